import type { Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runH2spec } from "../support/h2spec.ts";
import { http2Server } from "../support/http2-server.ts";
import { freePorts } from "../support/ports.ts";

let server: Server;
let port: number;

beforeAll(async () => {
  [port] = await freePorts(1);
  server = await http2Server(port);
});

afterAll(() => {
  server.close();
});

test.each([
  ["plain", [] as string[], 145],
  ["strict", ["--strict"], 146],
])("the server machine passes all cases of h2spec, %s", async (_name, flags, cases) => {
  const summary = (await runH2spec(port, flags)).trim().split("\n");
  expect(summary.slice(-40)).toContainEqual(
    expect.stringMatching(new RegExp(`^${cases} tests, ${cases} passed, 0 skipped, 0 failed`)),
  );
});
