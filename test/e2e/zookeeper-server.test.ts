import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEmbeddedRegistry, type EmbeddedRegistry } from "../../src/registry-sync/embedded/server.ts";
import { zooKeeperCases } from "../conformance/zookeeper.cases.ts";
import { eventually, probeText } from "../support/process.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";
import { javaClient, kazooClient, nodeClient } from "../support/zookeeper-programs.ts";
import { transcriptOf } from "../support/zookeeper-transcript.ts";

let real: ZooKeeper;
let embedded: EmbeddedRegistry;

beforeAll(async () => {
  real = await startZooKeeper("127.0.0.1", 21811, { extendedTypes: false });
  embedded = await createEmbeddedRegistry({ host: "127.0.0.1", port: 0, tickMs: 500 });
});

afterAll(async () => {
  await embedded?.close();
  await real?.stop();
});

describe("the embedded registry answers as a real 3.8 server does", () => {
  test.each(zooKeeperCases)("$name", async (one) => {
    const expected = await transcriptOf(real, one);
    expect(expected.length).toBeGreaterThanOrEqual(one.steps.length);
    expect(await transcriptOf(embedded, one)).toEqual(expected);
  });

  test.each([
    { name: "kazoo", run: kazooClient },
    { name: "the Java client", run: javaClient },
    { name: "node-zookeeper-client", run: nodeClient },
  ])("to $name, unmodified", async ({ run }) => {
    const expected = await run(real);
    expect(expected.length).toBeGreaterThan(10);
    expect(await run(embedded)).toEqual(expected);
  });

  test.each(["ruok", "isro", "crst", "srst"])("to %s, word for word", async (word) => {
    expect(await probeText("127.0.0.1", embedded.port, word)).toBe(await real.word(word));
  });

  test.each(["srvr", "stat", "conf", "mntr", "wchs", "dump"])("to %s, in the same form", async (word) => {
    const form = (text: string) => text.split("\n").map((line) => line.split(/[:=\t]/, 1)[0].replace(/\d+/g, "n"));
    const known = new Set(form(await real.word(word)));
    const mine = form(await probeText("127.0.0.1", embedded.port, word)).filter((line) => !line.startsWith(" /"));
    expect(mine.length).toBeGreaterThan(1);
    expect(mine.filter((line) => !known.has(line))).toEqual([]);
  });
});

describe("the embedded registry closes what it can't serve, and goes on serving", () => {
  const rows = [
    { name: "text", bytes: Buffer.from("GET / HTTP/1.1\r\n\r\n") },
    { name: "a length over its limit", bytes: Buffer.from("00100000", "hex") },
    { name: "a negative length", bytes: Buffer.from("ffffffff", "hex") },
    {
      name: "a handshake that lies",
      bytes: Buffer.from("0000001c00000000000000000000000000000bb800000000000000007fffffff", "hex"),
    },
    { name: "an empty handshake", bytes: Buffer.from("00000000", "hex") },
  ];
  test.each(rows)("$name", async ({ bytes }) => {
    const socket = connect(embedded.port, "127.0.0.1");
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    socket.on("error", () => {});
    socket.resume().write(bytes);
    await closed;
    expect(await probeText("127.0.0.1", embedded.port, "ruok")).toBe("imok");
  });

  test("a thousand connections that send half a handshake and go leave nothing behind", async () => {
    const sessions = embedded.registry.sessions.count;
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from(
          { length: 100 },
          () =>
            new Promise<void>((resolve) => {
              const socket = connect(embedded.port, "127.0.0.1", () =>
                socket.write(Buffer.from("0000002d0000", "hex"), () => socket.resetAndDestroy()),
              );
              socket.on("error", () => {}).on("close", () => resolve());
            }),
        ),
      );
    }
    await eventually("all are gone", async () =>
      /^Connections: 1$/m.test(await probeText("127.0.0.1", embedded.port, "srvr")),
    );
    expect(embedded.registry.sessions.count).toBeLessThanOrEqual(sessions);
  });
});
