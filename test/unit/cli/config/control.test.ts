import { expect, test } from "vitest";
import type { ControlTls } from "../../../../src/cli/config/config.ts";
import { resolveControl } from "../../../../src/cli/config/control.ts";

const TLS = { roots: "r.pem", token: "t" };

function resolved(...servers: string[]) {
  return resolvedWith(undefined, ...servers);
}

function resolvedWith(tls: ControlTls | undefined, ...servers: string[]) {
  const faults: string[] = [];
  const control = resolveControl(
    servers,
    (i) => `control.servers[${i}]`,
    (path, message) => faults.push(`${path}: ${message}`),
    tls,
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

test("with TLS the port is that of Istio's xDS with TLS", () => {
  expect(resolvedWith(TLS, "control.mesh")).toEqual({ servers: ["control.mesh:15012"], tls: TLS, faults: [] });
});

test.each([
  [{ roots: "r.pem" }, "prove who it is"],
  [{ ...TLS, certificate: "c.pem" }, "belong together"],
  [{ ...TLS, key: "k.pem" }, "belong together"],
])("%j is refused", (tls, message) => {
  expect(resolvedWith(tls, "control.mesh").faults).toEqual([expect.stringContaining(message)]);
});
