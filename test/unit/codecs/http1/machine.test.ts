import { expect, test } from "vitest";
import { Http1Client } from "../../../../src/codecs/http1/client.ts";
import { Http1Server } from "../../../../src/codecs/http1/server.ts";
import { mutate, seeded } from "../../../support/mutate.ts";

test("client joined to server: bodies both ways in pieces of every size, on one connection", () => {
  const client = new Http1Client();
  const server = new Http1Server();
  for (let step = 1; step < 90; step++) {
    const body = Buffer.from(`request ${step}`);
    const length = step % 2 === 0 ? body.length : undefined;
    client.send({ type: "head", id: step, method: "POST", target: `/${step}`, length, fields: [["Host", "h"]] }, 0);
    client.send({ type: "data", id: step, bytes: body }, 0);
    client.send({ type: "end", id: step }, 0);
    const sent = client.takeOutput();
    let echo = "";
    for (let at = 0; at < sent.length; at += step) {
      for (const event of server.receive(Buffer.from(sent.subarray(at, at + step)), 0)) {
        if (event.type === "head") expect(event.head.target).toBe(`/${step}`);
        if (event.type === "data") echo += event.bytes.latin1Slice();
        if (event.type === "end") {
          const bytes = Buffer.from(echo);
          server.send(
            { type: "head", id: event.id, status: 200, length: step % 3 === 0 ? bytes.length : undefined },
            0,
          );
          server.send({ type: "data", id: event.id, bytes }, 0);
          server.send({ type: "end", id: event.id }, 0);
        }
      }
    }
    const answer = server.takeOutput();
    let got = "";
    let ends = 0;
    for (let at = 0; at < answer.length; at += step) {
      for (const event of client.receive(Buffer.from(answer.subarray(at, at + step)), 0)) {
        if (event.type === "data") got += event.bytes.latin1Slice();
        if (event.type === "end") ends++;
      }
    }
    expect([got, ends, client.isReusable, server.closing]).toEqual([`request ${step}`, 1, true, false]);
  }
});

const CORPUS = [
  "GET /a HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nt: v\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
].map((text) => Buffer.from(text));
const TELLING = [0, 9, 10, 13, 32, 44, 48, 58, 59, 255];

/** Events of one end as text, body bytes joined: the same bytes must give the same text however they are cut. */
function story(bytes: Buffer, step: number): string[] {
  const client = new Http1Client();
  client.send({ type: "head", id: 1, method: "GET", target: "/", length: 0 }, 0);
  client.send({ type: "end", id: 1 }, 0);
  return [new Http1Server(), client].map((end) => {
    const told: string[] = [];
    let data = "";
    for (let at = 0; at < bytes.length; at += step) {
      for (const event of end.receive(Buffer.from(bytes.subarray(at, at + step)), 0)) {
        if (event.type === "data") data += event.bytes.latin1Slice();
        else told.push(`${event.type} ${event.id}`);
      }
    }
    // A fault may be seen before or after the bytes around it are passed on, but what was passed on whole stays the same.
    return told.at(-1)?.startsWith("abort") ? "abort" : `${told.join(",")} ${data}`;
  });
}

test("mutated messages give events or an abort, the same however they are cut", () => {
  const below = seeded(41);
  for (let run = 0; run < 3000; run++) {
    const bytes = mutate(CORPUS[below(CORPUS.length)]!, CORPUS, TELLING, below);
    const whole = story(bytes, bytes.length + 1);
    const single = story(bytes, 1);
    for (const end of [0, 1]) {
      // A head that is not whole is looked at as far as it came, but one that comes in bytes only when it is whole.
      if (whole[end] === "abort" && single[end] !== "abort") expect(single[end]).not.toContain("smuggled");
      else expect([bytes.latin1Slice(), single[end]]).toEqual([bytes.latin1Slice(), whole[end]]);
    }
  }
});

test("random bytes give events or an abort, nothing else", () => {
  const below = seeded(7);
  for (let run = 0; run < 2000; run++) {
    const bytes = Buffer.from(Array.from({ length: below(80) }, () => below(256)));
    for (const told of story(bytes, 1 + below(20))) expect(told).not.toContain("undefined");
  }
});
