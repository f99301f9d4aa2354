import { expect, test } from "vitest";
import { ProtocolError } from "../../src/base/errors.ts";
import { decodeResponse, encodeRequest } from "../../src/codecs/dubbo2/body.ts";
import { Dubbo2Client, Dubbo2Server, type IncomingCall } from "../../src/codecs/dubbo2/connection.ts";
import { editRequest } from "../../src/codecs/dubbo2/edit.ts";
import { bodyLength, isEvent, isRequest } from "../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../src/codecs/dubbo2/head.ts";
import { HESSIAN2_LINES, recordedFrames } from "../support/dubbo2-frames.ts";
import fc from "../support/fast-check.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 300);
const CORPUS = HESSIAN2_LINES.flatMap((line) => recordedFrames(`${line}-hessian2`)).filter((frame) => frame.ser === 2);
const REQUESTS = CORPUS.filter((frame) => isRequest(frame.bytes, 0) && !isEvent(frame.bytes, 0));
const head = new RequestHead();

/** Runs; anything but an ordinary end or a ProtocolError fails the test. */
function onlyProtocolErrors(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    expect(error.message).not.toBe("");
  }
}

function readAll(bytes: Buffer): void {
  head.scan(bytes, 16, bytes.length);
  const attachments = head.attachments();
  attachments.toRecord();
  attachments.getNumber("timeout");
  attachments.getIgnoreCase("X-GRAY");
  void [head.service, head.method, head.version, head.effectiveMethod, head.effectiveArgumentCount];
  for (let i = 0; i < head.argumentCount; i++) head.argument(i);
}

/** A recorded frame with a few bytes changed, put in or taken out; the header's length is made true again. */
function mutated(frames: readonly { readonly bytes: Buffer }[]): fc.Arbitrary<Buffer> {
  const change = fc.record({
    at: fc.nat(),
    byte: fc.integer({ min: 0, max: 255 }),
    kind: fc.integer({ min: 0, max: 2 }),
  });
  return fc
    .tuple(fc.nat(frames.length - 1), fc.array(change, { minLength: 1, maxLength: 6 }))
    .map(([index, changes]) => {
      let bytes = Buffer.from(frames[index]!.bytes);
      for (const { at, byte, kind } of changes) {
        const place = 16 + (at % Math.max(1, bytes.length - 16));
        if (kind === 0) bytes[place] = byte;
        else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, place), Buffer.of(byte), bytes.subarray(place)]);
        else bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1)]);
      }
      bytes.writeInt32BE(bytes.length - 16, 12);
      return bytes;
    });
}

test("random bodies give a head or a ProtocolError, nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
      onlyProtocolErrors(() => readAll(Buffer.concat([Buffer.alloc(16), body])));
      onlyProtocolErrors(() =>
        decodeResponse(Buffer.concat([Buffer.from("dabb0214", "hex"), Buffer.alloc(12), body]), 0, 16 + body.length),
      );
    }),
    { numRuns: RUNS * 4 },
  );
});

test("recorded requests with changed bytes give a head or a ProtocolError, and what is read can be edited", () => {
  fc.assert(
    fc.property(mutated(REQUESTS), (frame) => {
      onlyProtocolErrors(() => readAll(frame));
      onlyProtocolErrors(() => {
        head.scan(frame, 16, frame.length);
        head.attachments();
        const edits = {
          service: "a.B",
          version: "2",
          group: "h",
          set: [["x-new", "1"]],
          remove: ["path"],
          timeoutMs: 1,
        } as const;
        const after = editRequest(head, edits);
        expect(bodyLength(after, 0)).toBe(after.length - 16);
        const again = new RequestHead();
        again.scan(after, 16, after.length);
        expect([again.service, again.version, again.attachments().get("x-new")]).toEqual(["a.B", "2", "1"]);
        expect(again.attachments().get("group")).toBe("h");
        expect(again.attachments().get("path")).toBeUndefined();
      });
    }),
    { numRuns: RUNS * 4 },
  );
});

test("recorded answers with changed bytes give a response or a ProtocolError", () => {
  const answers = CORPUS.filter((frame) => !isRequest(frame.bytes, 0) && !isEvent(frame.bytes, 0));
  fc.assert(
    fc.property(mutated(answers), (frame) => onlyProtocolErrors(() => void decodeResponse(frame, 0, frame.length))),
    { numRuns: RUNS * 2 },
  );
});

test("streams of whole, changed and random frames, cut anywhere, give events or a ProtocolError, and bounded output", () => {
  const piece = fc.oneof(
    fc.nat(CORPUS.length - 1).map((index) => CORPUS[index]!.bytes),
    mutated(CORPUS),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }),
      (pieces, cuts) => {
        const stream = Buffer.concat(pieces);
        for (const machine of [new Dubbo2Server(0), new Dubbo2Client(0)]) {
          onlyProtocolErrors(() => {
            for (let at = 0, i = 0; at < stream.length; i++) {
              const step = cuts[i % cuts.length]!;
              machine.receive(stream.subarray(at, at + step), 0);
              at += step;
            }
          });
          expect(machine.takeOutput().length).toBeLessThan(stream.length * 20 + 1000);
        }
      },
    ),
    { numRuns: RUNS },
  );
});

test("what a client sends is what a server reads", () => {
  const text = fc.string({ unit: "binary", maxLength: 40 });
  const parts = fc.record({
    interface: text.filter((name) => name !== ""),
    group: text,
    version: text.filter((version) => version !== "0.0.0"),
    method: text,
    args: fc.array(
      fc.oneof(
        text,
        fc.integer(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.constant(null),
        fc.boolean(),
      ),
      { maxLength: 6 },
    ),
    key: text.filter((key) => !["path", "interface", "version", "group"].includes(key)),
    value: text,
  });
  fc.assert(
    fc.property(parts, ({ key, value, ...request }) => {
      const descriptor = "Ljava/lang/Object;".repeat(request.args.length);
      const frame = encodeRequest({
        ...request,
        idHigh: 1,
        idLow: 2,
        twoWay: true,
        descriptor,
        attachments: { [key]: value },
      });
      const [call] = new Dubbo2Server(0).receive(frame, 0) as IncomingCall[];
      expect(call).toMatchObject({ ...request, idHigh: 1, idLow: 2, twoWay: true, descriptor });
      expect(Object.entries(call!.attachments)).toContainEqual([key, value]);
    }),
    { numRuns: RUNS },
  );
});
