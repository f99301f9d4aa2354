import { expect, test } from "vitest";
import { NobodyPort } from "../../../../src/bridge-proxy/http/port.ts";

test("nobody is never behind with what it is sent", () => {
  const port = new NobodyPort("10.0.0.1");
  let drained = false;
  port.onDrained(() => {
    drained = true;
  });
  expect([port.address, port.backlogBytes, drained]).toEqual(["10.0.0.1", 0, true]);
});
