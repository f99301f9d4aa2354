import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Http2Connection } from "../../../../src/codecs/http2/connection.ts";
import type { Http2Event } from "../../../../src/codecs/http2/events.ts";
import type { Http2Stream } from "../../../../src/codecs/http2/stream.ts";

const GET = [":method", "GET", ":scheme", "http", ":path", "/a", ":authority", "b"];
const recorded = Buffer.from(
  JSON.parse(readFileSync("fixtures/wire/http2/node-client.json", "utf8")).hex as string,
  "hex",
);

/** Carries bytes both ways until nothing is left; what the ends report is kept. */
class Link {
  readonly client: Http2Connection;
  readonly server: Http2Connection;
  atClient: Http2Event[] = [];
  atServer: Http2Event[] = [];

  constructor(limits = {}) {
    this.client = new Http2Connection("client", 0, limits);
    this.server = new Http2Connection("server", 0, limits);
    this.run();
    this.atClient = [];
    this.atServer = [];
  }

  run(): void {
    while (this.client.outputBytes + this.server.outputBytes > 0) {
      this.atServer.push(...this.server.receive(Buffer.from(this.client.takeOutput()), 0));
      this.atClient.push(...this.client.receive(Buffer.from(this.server.takeOutput()), 0));
    }
  }

  /** A request that the server has seen: the streams at both ends. */
  begin(end: boolean): [Http2Stream, Http2Stream] {
    const mine = this.client.open(GET, end) as Http2Stream;
    this.run();
    return [mine, (this.atServer.at(-1) as { stream: Http2Stream }).stream];
  }
}

function show(events: readonly Http2Event[]): string[] {
  return events.map((event) => {
    if (event.type === "head")
      return "head " + event.fields.join(" ") + (event.end ? " end" : "") + (event.informational ? " 1xx" : "");
    if (event.type === "data") return "data " + event.bytes.toString("latin1") + (event.end ? " end" : "");
    if (event.type === "trailers") return "trailers " + event.fields.join(" ");
    return event.type === "reset" ? "reset " + event.code : event.type;
  });
}

test("two requests of a real client are read the same however they are cut", () => {
  const read = (step: number) => {
    const machine = new Http2Connection("server", 0);
    const shown: string[] = [];
    for (let at = 0; at < recorded.length; at += step)
      shown.push(...show(machine.receive(recorded.subarray(at, at + step), 0)));
    return shown;
  };
  const whole = read(recorded.length);
  expect(whole[1]).toMatch(
    /^head :method POST :path \/demo.Greeter\/hello :authority 127.0.0.1:\d+ :scheme http content-type application\/grpc te trailers grpc-timeout 0S authorization x$/,
  );
  expect(whole[2]).toBe(whole[1].replace("0S", "1S"));
  expect([whole.length, ...whole.slice(3)]).toEqual([5, "data abc end", "data abc end"]);
  for (let step = 1; step < 40; step++) expect(read(step)).toEqual(whole);
});

test("a call goes over with interim answer, content and trailers", () => {
  const link = new Link();
  const [mine, theirs] = link.begin(false);
  link.client.data(mine, Buffer.from("ping"), true);
  link.server.head(theirs, [":status", "103"], false);
  link.server.head(theirs, [":status", "200"], false);
  link.server.data(theirs, Buffer.from("pong"), false);
  link.server.trailers(theirs, ["grpc-status", "0"]);
  link.run();
  expect(show(link.atServer)).toEqual(["head " + GET.join(" "), "data ping end"]);
  expect(show(link.atClient)).toEqual([
    "head :status 103 1xx",
    "head :status 200",
    "data pong",
    "trailers grpc-status 0",
  ]);
  expect([link.client.openStreams, link.server.openStreams, mine.closed, theirs.closed]).toEqual([0, 0, true, true]);
});

test("a body larger than all windows moves only as it is released, and whole", () => {
  const link = new Link({ streamWindowBytes: 70_000, connectionWindowBytes: 100_000 });
  const [mine, theirs] = link.begin(false);
  const body = Buffer.alloc(500_000, "0123456789");
  expect(link.client.data(mine, body, true)).toBeGreaterThan(0);
  const got: Buffer[] = [];
  link.run();
  let seen = 1;
  const total = () => got.reduce((sum, piece) => sum + piece.length, 0);
  const collect = () => {
    for (; seen < link.atServer.length; seen++) {
      const event = link.atServer[seen];
      if (event.type === "data") got.push(event.bytes);
    }
  };
  collect();
  expect(total()).toBeLessThanOrEqual(70_000);
  for (let held = total(), released = 0; released < body.length; held = total()) {
    link.server.release(theirs, held - released);
    released = held;
    link.run();
    collect();
  }
  expect(Buffer.concat(got).equals(body)).toBe(true);
  expect(link.server.openStreams).toBe(1);
  expect(theirs.remoteEnded).toBe(true);
});

test("a hundred rounds of calls leave windows and tables in step", () => {
  const link = new Link({ streamWindowBytes: 70_000, connectionWindowBytes: 70_000 });
  for (let round = 0; round < 100; round++) {
    const [mine, theirs] = link.begin(false);
    link.client.data(mine, Buffer.alloc(5000), true);
    link.run();
    link.server.release(theirs, 5000);
    link.server.head(theirs, [":status", "200", "x-round", String(round % 5)], true);
    link.run();
  }
  expect(link.atClient.filter((event) => event.type === "head").length).toBe(100);
  expect(link.client.openStreams + link.server.openStreams).toBe(0);
});

test("a reset reaches the other side and gives the connection's window back", () => {
  const link = new Link();
  const [mine, theirs] = link.begin(false);
  link.client.reset(mine, 8);
  link.run();
  expect(show(link.atServer).at(-1)).toBe("reset 8");
  link.server.head(theirs, [":status", "200"], true);
  expect(link.server.outputBytes).toBe(0);
});

test("queued content over its bound resets the stream", () => {
  const link = new Link({ maxQueuedBytes: 1000, streamWindowBytes: 65_535, connectionWindowBytes: 65_535 });
  const [mine] = link.begin(false);
  expect(link.client.data(mine, Buffer.alloc(70_000), false)).toBe(0);
  expect(mine.closed).toBe(true);
  expect(show(link.client.takeEvents())).toEqual(["reset 2"]);
});

test("a blocked end keeps its content and says when it has gone", () => {
  const link = new Link();
  const [mine] = link.begin(false);
  link.client.setBlocked(true);
  expect(link.client.data(mine, Buffer.from("abc"), false)).toBe(3);
  expect(link.client.outputBytes).toBe(0);
  link.client.setBlocked(false);
  expect(show(link.client.takeEvents())).toEqual(["drain"]);
  link.run();
  expect(show(link.atServer).at(-1)).toBe("data abc");
});

test("a graceful goodbye takes calls that were on their way, then refuses, then is drained", () => {
  const link = new Link();
  const [, theirs] = link.begin(true);
  link.server.drain(0);
  expect(link.server.deadline()).toBe(1000);
  const late = link.client.open(GET, true) as Http2Stream;
  link.run();
  expect([link.client.canOpen, late.closed, link.server.openStreams]).toEqual([false, false, 2]);
  link.server.head(theirs, [":status", "200"], true);
  for (const event of link.atServer)
    if (event.type === "head") link.server.head(event.stream, [":status", "200"], true);
  expect(show(link.server.takeEvents())).toEqual(["drained"]);
  link.run();
  expect(show(link.atClient).filter((one) => one.startsWith("head")).length).toBe(2);
  expect(link.server.openStreams).toBe(0);
});

test("a goodbye refuses calls above the last stream", () => {
  const link = new Link();
  link.server.goaway(0);
  link.client.open(GET, true);
  link.run();
  expect(show(link.atClient)).toEqual(["reset 7", "goaway"]);
  expect(link.client.open(GET, true)).toBeUndefined();
});

test("a ping is answered and a client keeps to the streams it may open", () => {
  const link = new Link({ maxStreams: 1 });
  link.client.ping();
  link.run();
  expect(show(link.atClient)).toEqual(["pong"]);
  expect([link.client.open(GET, true)?.id, link.client.canOpen]).toEqual([1, false]);
});

test("heads that are alike share their list from the third on", () => {
  const link = new Link();
  for (let i = 0; i < 6; i++) link.begin(true);
  const heads = link.atServer.flatMap((event) => (event.type === "head" ? [event] : []));
  expect(heads.at(-1)?.shared).toBe(true);
  expect(heads.at(-1)?.fields).toBe(heads.at(-2)?.fields);
  expect(heads[0]?.shared).toBe(false);
});

test("an octet that no field may have is found in a field that comes from the table", () => {
  const machine = new Http2Connection("server", 0);
  const preface = "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a" + "000000040000000000";
  const bad = "00000801050000000182868440016101" + "0a";
  const again = "000004010500000003828684be";
  machine.receive(Buffer.from(preface, "hex"), 0);
  machine.takeOutput();
  expect(machine.receive(Buffer.from(bad + again, "hex"), 0)).toEqual([]);
  const resets = "0000040300000000010000000100000403000000000300000001";
  expect(machine.takeOutput().toString("hex")).toBe(resets);
});

test("content that waits is bounded over all streams, and none may wait while there is no room", () => {
  const link = new Link({ maxAllQueuedBytes: 200_000, streamWindowBytes: 65_535, connectionWindowBytes: 65_535 });
  const answers = [1, 2, 3].map(() => link.begin(true)[1]);
  for (const stream of answers) link.server.head(stream, [":status", "200"], false);
  const queued = answers.map((stream) => link.server.data(stream, Buffer.alloc(120_000), false));
  expect(queued).toEqual([120_000 - 65_535, 120_000, 0]);
  expect(link.server.queuedBytes).toBe(240_000 - 65_535);
  expect(link.server.takeEvents()).toMatchObject([
    { type: "reset", stream: answers[2], why: "over maxAllQueuedBytes 200000" },
  ]);
  link.server.full = true;
  expect(link.server.data(answers[0]!, Buffer.alloc(1), false)).toBe(0);
  expect(answers.map(({ closed }) => closed)).toEqual([true, false, true]);
  expect(link.server.queuedBytes).toBe(120_000);
  link.server.reset(answers[1]!, 8);
  expect(link.server.queuedBytes).toBe(0);
});

test("a client takes no offence at an answer to a call that it gave up long ago", () => {
  const link = new Link();
  const [mine, theirs] = link.begin(true);
  link.client.reset(mine, 8);
  const late = new Link().server;
  expect(late.openStreams).toBe(0);
  link.server.head(theirs, [":status", "200"], false);
  const answer = Buffer.from(link.server.takeOutput());
  for (let n = 0; n < 1100; n++) {
    const stream = link.client.open(GET, true) as Http2Stream;
    const end = Buffer.from("00000403000000000000000008", "hex");
    end.writeUInt32BE(stream.id, 5);
    link.client.receive(end, 0);
  }
  expect(link.client.receive(answer, 0)).toEqual([]);
});

test("a client knows how large a header list its peer takes", () => {
  const link = new Link({ maxHeaderListBytes: 1000 });
  expect(link.client.takesList(["a", "b".repeat(967)])).toBe(true);
  expect(link.client.takesList(["a", "b".repeat(968)])).toBe(false);
});

test("window that is shared is given back to the connection once, and the stream's only when it is released", () => {
  const link = new Link({ connectionWindowBytes: 65_535, streamWindowBytes: 65_535 });
  const [mine, theirs] = link.begin(false);
  const [other] = link.begin(false);
  link.client.data(mine, Buffer.alloc(65_535), false);
  link.client.data(other, Buffer.alloc(40_000), true);
  link.run();
  expect(link.client.queuedBytes).toBe(40_000);
  link.server.share(theirs, 65_535);
  link.server.share(theirs, 65_535);
  link.run();
  expect(link.client.queuedBytes).toBe(0);
  link.client.data(mine, Buffer.alloc(10_000), false);
  link.run();
  expect(link.client.queuedBytes).toBe(10_000);
  link.server.release(theirs, 65_535);
  link.run();
  expect(link.client.queuedBytes).toBe(0);
  // 40,000 of the other stream and 10,000 of this one are taken of the connection's window now, no more and no less.
  const [third] = link.begin(false);
  link.client.data(third, Buffer.alloc(65_535), true);
  link.run();
  expect(link.client.queuedBytes).toBe(50_000);
});

test("a stream that is reset gives the connection back what was not shared before", () => {
  const link = new Link({ connectionWindowBytes: 65_535, streamWindowBytes: 65_535 });
  const [mine, theirs] = link.begin(false);
  link.client.data(mine, Buffer.alloc(65_535), false);
  link.run();
  link.server.share(theirs, 10_000);
  link.server.reset(theirs, 8);
  link.run();
  const [next] = link.begin(false);
  link.client.data(next, Buffer.alloc(65_535), true);
  link.run();
  expect(link.client.queuedBytes).toBe(0);
});
