import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { HttpCaller } from "../../../../src/bridge-proxy/http/caller.ts";
import { MetricRows } from "../../../../src/bridge-proxy/policies/metrics.ts";
import { RouteTable } from "../../../../src/bridge-proxy/route.ts";
import type { RuntimeConfig } from "../../../../src/bridge-proxy/runtime-config.ts";
import { FlushQueue } from "../../../../src/bridge-proxy/socket-driver.ts";

const REQUEST = Buffer.from("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");

/** A caller's connection on the port of a service that is not known; `asked` counts the requests that a destination was looked for. */
function connected(...[service]: readonly (string | undefined)[]) {
  let sent = "";
  const asked: string[] = [];
  const peer = new Duplex({
    read: () => {},
    write: (bytes: Buffer, _encoding, done) => {
      sent += bytes.latin1Slice();
      done();
    },
  });
  Object.assign(peer, { _handle: null, setNoDelay: () => peer, remoteAddress: "10.0.0.1" });
  const context = {
    queue: new FlushQueue(),
    rows: new MetricRows(),
    nowMs: 0,
    exchangeBytes: 0,
  } as unknown as ProxyContext;
  const config = () =>
    ({
      get routes() {
        asked.push("request");
        return new RouteTable(undefined, () => undefined as never);
      },
    }) as unknown as RuntimeConfig;
  const caller = new HttpCaller(context, peer as unknown as Socket, config, () => {}, service);
  const bring = (bytes: Buffer) => caller.onBytes(bytes, 0, bytes.length);
  return { caller, asked, bring, sent: () => sent };
}

test("requests of one connection are answered one after the other", async () => {
  const { asked, bring, sent } = connected("shop");
  bring(REQUEST);
  bring(REQUEST);
  await turn();
  bring(REQUEST);
  await turn();
  expect(asked).toHaveLength(3);
  expect(sent().match(/HTTP\/1\.1 \d+/g)).toHaveLength(3);
});

test("a request that crosses the end of its connection, where nobody would hear of its answer, is not carried out", async () => {
  const { caller, asked, bring, sent } = connected("shop");
  bring(REQUEST);
  await turn();
  const before = sent();
  caller.leave();
  bring(REQUEST);
  await turn();
  bring(REQUEST);
  await turn();
  expect(asked).toHaveLength(1);
  expect(sent()).toBe(before);
});

test.each([
  ["/a", "x"],
  ["http://y:80/a", "y:80"],
])(
  "on a port of all services %s is for the one that it names, which is told where it is not known",
  async (target, host) => {
    const { bring, sent } = connected(undefined);
    bring(Buffer.from(REQUEST.latin1Slice().replace("/a", target)));
    await turn();
    expect(sent()).toMatch(/^HTTP\/1\.1 404 /);
    expect(sent()).toContain(`no service of the mesh has the host "${host}"`);
  },
);
