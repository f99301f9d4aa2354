import { expect, test } from "vitest";
import { Pulse } from "../../../../src/bridge-proxy/dubbo/pulse.ts";

const limits = { heartbeatMs: 100, frameTimeoutMs: 50 };

test("a silent caller is asked once a heartbeat, and is gone after three", () => {
  const pulse = new Pulse(limits, 1_000);
  expect(pulse.look(1_100, 0)).toBeUndefined();
  expect(pulse.look(1_101, 0)).toBe("ask");
  expect(pulse.look(1_150, 0)).toBeUndefined();
  expect(pulse.look(1_202, 0)).toBe("ask");
  expect(pulse.look(1_301, 0)).toBe("end");
  pulse.read(1_300);
  expect(pulse.look(1_301, 0)).toBeUndefined();
});

test("a frame that does not go on, or goes on too slowly, ends its caller; a large one has more time", () => {
  const pulse = new Pulse(limits, 0);
  pulse.begin(0);
  expect(pulse.look(50, 1)).toBeUndefined();
  expect(pulse.look(51, 1)).toBe("end");
  pulse.read(40);
  expect(pulse.look(60, 20)).toBe("end");
  expect(pulse.look(60, 2_000)).toBeUndefined();
});
