import { expect, test } from "vitest";
import { resolveControl } from "../../../../src/cli/config/control.ts";

function resolved(...servers: string[]) {
  const faults: string[] = [];
  const control = resolveControl(
    servers,
    (i) => `control.servers[${i}]`,
    (path, message) => faults.push(`${path}: ${message}`),
  );
  return { ...control, faults };
}

test("servers are addresses; without a port it is that of Istio's xDS", () => {
  expect(resolved("10.0.0.7:15011", "control.mesh", "[fd00::1]:15011")).toEqual({
    servers: ["10.0.0.7:15011", "control.mesh:15010", "[fd00::1]:15011"],
    faults: [],
  });
});

test.each(["15011", "a:b:c", ""])("%j is no server", (text) => {
  expect(resolved("10.0.0.7", text).faults).toEqual([expect.stringContaining("control.servers[1]: ")]);
});
