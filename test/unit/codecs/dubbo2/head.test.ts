import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { isEvent, isRequest, isTwoWay } from "../../../../src/codecs/dubbo2/frame.ts";
import { countTypes, RequestHead, splitTypes } from "../../../../src/codecs/dubbo2/head.ts";
import { isContainer, mapGet } from "../../../../src/codecs/value.ts";
import { bytesOf, WORKED_BODY } from "../../../support/dubbo2-bodies.ts";
import { HESSIAN2_LINES, recordedFrames } from "../../../support/dubbo2-frames.ts";

function scanned(body: Buffer): RequestHead {
  const head = new RequestHead();
  head.scan(body, 0, body.length);
  return head;
}

test("reads the worked request", () => {
  const head = scanned(WORKED_BODY);
  expect(WORKED_BODY.length).toBe(154);
  expect([head.protocolVersion, head.service, head.version, head.method]).toEqual([
    "2.0.2",
    "com.foo.Hello",
    "0.0.0",
    "sayHello",
  ]);
  expect(head.descriptor).toBe("Ljava/lang/String;");
  expect(head.argumentCount).toBe(1);
  expect(head.argument(0)).toBe("bob");
  expect(head.argument(1)).toBeUndefined();
  expect(head.isGeneric).toBe(false);
  expect(head.attachments().get("remote.application")).toBe("demo");
  expect(head.attachments().getNumber("timeout")).toBe(1000);
});

describe.each(HESSIAN2_LINES)("requests recorded from %s", (line) => {
  const requests = recordedFrames(`${line}-hessian2`).filter(
    (frame) => frame.ser === 2 && isRequest(frame.bytes, 0) && !isEvent(frame.bytes, 0),
  );

  test("are read to their last byte, each with service, version and group", () => {
    expect(requests.length).toBe(36);
    const head = new RequestHead();
    for (const frame of requests) {
      head.scan(frame.bytes, 16, frame.bytes.length);
      expect(head.protocolVersion).toBe("2.0.2");
      expect(head.service).toBe("peer.api.OrderService");
      expect(head.version).toBe("1.0.0");
      expect(head.method).toBe(frame.note);
      expect(head.isGeneric).toBe(frame.run === "generic");
      const attachments = head.attachments();
      expect(attachments.mapEnd + 1).toBe(frame.bytes.length);
      expect(attachments.get("group")).toBe("g");
      expect(attachments.get("path")).toBe("peer.api.OrderService");
      expect(head.argumentCount).toBe(splitTypes(head.descriptor).length);
    }
  });

  test("say which method a generic call means, and its arguments", () => {
    const head = new RequestHead();
    const seen = requests
      .filter((frame) => frame.run === "generic")
      .map((frame) => {
        head.scan(frame.bytes, 16, frame.bytes.length);
        return head.effectiveMethod;
      });
    expect(seen).toEqual(["sayHi", "getOrder", "createOrder", "list", "fail", "boom", "nosuch", "touch"]);
    const generic = requests.filter((frame) => frame.run === "generic");
    head.scan(generic[0]!.bytes, 16, generic[0]!.bytes.length);
    expect([head.effectiveArgumentCount, head.effectiveArgument(0), head.effectiveArgument(1)]).toEqual([
      1,
      "bob",
      undefined,
    ]);
    head.scan(generic[1]!.bytes, 16, generic[1]!.bytes.length);
    expect(head.effectiveArgument(0)).toBe(42n);
    head.scan(generic[2]!.bytes, 16, generic[2]!.bytes.length);
    const order = head.effectiveArgument(0);
    expect(order !== undefined && isContainer(order) && order.type === "map" && mapGet(order, "id")).toBe(9n);
    head.scan(generic[7]!.bytes, 16, generic[7]!.bytes.length);
    expect([head.effectiveArgumentCount, head.effectiveArgument(0)]).toEqual([0, undefined]);
  });

  test("give their arguments on demand", () => {
    const head = new RequestHead();
    const args = requests
      .filter(
        (frame) =>
          frame.run === "typed" &&
          /^(sayHi|getOrder|list|echo(Boolean|Char|Int|Long|BoxedInt|Bytes))$/.test(frame.note),
      )
      .map((frame) => {
        head.scan(frame.bytes, 16, frame.bytes.length);
        return head.argument(0);
      });
    const bytes = Uint8Array.of(1, 0xff, 0);
    expect(args).toEqual([
      "bob",
      null,
      "🚀中文é",
      42n,
      -1n,
      3,
      true,
      "中",
      -2147483648,
      9223372036854775807n,
      5,
      bytes,
    ]);
    expect(requests.filter((frame) => !isTwoWay(frame.bytes, 0)).map((frame) => frame.note)).toEqual(["note"]);
  });
});

describe("odd heads that real clients send", () => {
  test("a null version", () => {
    const head = scanned(bytesOf('05"2.0.2" 01"S" 4e 01"m" 00 48 5a'));
    expect([head.version, head.versionStart, head.method, head.argsStart]).toEqual([null, -1, "m", 12]);
    expect(head.attachments().size).toBe(0);
  });
  test.each([
    ["one byte", "8f"],
    ["two bytes", "c800"],
    ["three bytes", "d40000"],
    ["four bytes", "49ffffffff"],
  ])("Dubbox's int of %s between method and types", (_name, int) => {
    const head = scanned(bytesOf(`05"2.8.4" 01"S" 05"0.0.0" 01"m" ${int} 01"I" 91 4e`));
    expect([head.method, head.descriptor, head.argument(0)]).toEqual(["m", "I", 1]);
  });
  test("no attachments: null, an empty string, nothing", () => {
    for (const [tail, form] of [
      ["4e", "null"],
      ["00", "null"],
      ["", "absent"],
    ] as const) {
      const attachments = scanned(bytesOf(`05"2.0.2" 01"S" 00 01"m" 00 ${tail}`)).attachments();
      expect([attachments.form, attachments.size, attachments.get("x")]).toEqual([form, 0, undefined]);
    }
  });
  test("bytes behind the attachments", () => {
    expect(
      scanned(Buffer.concat([WORKED_BODY, bytesOf("4e4e")]))
        .attachments()
        .get("timeout"),
    ).toBe("1000");
  });
  test("$invoke with other types is an ordinary method", () => {
    const head = scanned(bytesOf('05"2.0.2" 01"S" 00 07"$invoke" 12"Ljava/lang/String;" 03"foo" 4e'));
    expect([head.isGeneric, head.effectiveMethod, head.effectiveArgument(0)]).toEqual([false, "$invoke", "foo"]);
  });
  test("a generic call that names no method is what it is", () => {
    const types = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";
    const head = scanned(bytesOf(`05"2.0.2" 01"S" 00 0c"$invokeAsync" 3038"${types}" 4e 4e 4e 4e`));
    expect([head.isGeneric, head.effectiveMethod, head.effectiveArgumentCount]).toEqual([true, "$invokeAsync", 0]);
  });
  test("a service name outside ASCII", () => {
    expect(scanned(bytesOf('05"2.0.2" 02e4b8ade69687 00 01"m" 00 4e')).service).toBe("中文");
  });
  test("names of 1,023 units and in the long form", () => {
    const name = "x".repeat(1023);
    expect(scanned(bytesOf(`05"2.0.2" 33ff"${name}" 00 53 0001"m" 00 4e`)).service).toBe(name);
  });
  test("an attachment that uses a class that an argument defined", () => {
    const head = scanned(
      bytesOf('05"2.0.2" 01"S" 00 01"m" 03"La;" 43 01"a" 91 01"f" 60 91 48 01"o" 60 92 01"k" 01"v" 5a'),
    );
    expect(head.attachments().get("k")).toBe("v");
    expect(head.attachments().get("o")).toBeUndefined();
  });
});

test("a reused head forgets the request before", () => {
  const head = scanned(WORKED_BODY);
  expect([head.service, head.method, head.argument(0), head.attachments().size]).toEqual([
    "com.foo.Hello",
    "sayHello",
    "bob",
    5,
  ]);
  const other = bytesOf('05"2.0.1" 01"T" 4e 01"n" 01"I" 95 4e');
  head.scan(other, 0, other.length);
  expect([head.protocolVersion, head.service, head.version, head.method, head.descriptor]).toEqual([
    "2.0.1",
    "T",
    null,
    "n",
    "I",
  ]);
  expect([head.argument(0), head.attachments().size, head.effectiveMethod]).toEqual([5, 0, "n"]);
});

describe("bad heads are refused with the place", () => {
  test.each([
    ["nothing", "", "request ends before its protocol version"],
    ["an int for the service", '05"2.0.2" 90', "request's service is no string: tag 0x90"],
    ["a null method", '05"2.0.2" 01"S" 00 4e', "request's method is no string: tag 0x4e"],
    ["a list for the types", '05"2.0.2" 01"S" 00 01"m" 78', "request's parameter types is no string: tag 0x78"],
    ["a string longer than the body", '05"2.0.2" 1f"S"', "hessian2: string of 31 units is cut off (at byte 7)"],
    ["bytes that are no UTF-8", '05"2.0.2" 01ff000000', "hessian2: string holds bytes"],
    ["a length cut off", '05"2.0.2" 30', "request ends in its service"],
    ["a string in chunks", '05"2.0.2" 52 0001"S" 00', "request's service is no string: tag 0x52"],
  ])("%s", (_name, body, message) => {
    expect(() => scanned(bytesOf(body))).toThrow(ProtocolError);
    expect(() => scanned(bytesOf(body))).toThrow(message);
  });
  test.each([
    ["an unknown type", '01"Q"', "parameter types are malformed"],
    ["a class of no name", '02"L;"', "parameter types are malformed"],
    ["a class whose name is no name", '04"L-a;"', "parameter types are malformed"],
    ["a class that begins with a digit", '06"La/1b;"', "parameter types are malformed"],
    ["a class with dots", '05"La.b;"', "parameter types are malformed"],
    ["a class whose name ends with a slash", '04"La/;"', "parameter types are malformed"],
    ["a class without its end", '02"La"', "parameter types are malformed"],
    ["an array of nothing", '01"["', "parameter types are malformed"],
    ["256 types", `3100"${"I".repeat(256)}"`, "more than 255 parameter types"],
  ])("%s", (_name, types, message) => {
    const head = scanned(bytesOf(`05"2.0.2" 01"S" 00 01"m" ${types} 4e`));
    expect(() => head.argumentCount).toThrow(message);
    expect(() => head.attachments()).toThrow(message);
    expect(() => head.argument(0)).toThrow(message);
  });
  test.each([
    ["an argument that is missing", '01"I"', ""],
    ["an argument that is no Hessian2", '01"I"', "40"],
    ["attachments that are a list", "00", "78"],
    ["attachments without an end", "00", '48 01"a" 01"b"'],
    ["an attachment without a value", "00", '48 01"a" 5a'],
    ["an int array of 2^31-1", '02"[I"', '56 04"[int" 49 7fffffff'],
    ["200,000 lists in one another", '01"I"', "79".repeat(200_000)],
    ["a class of 10^9 fields", '01"I"', '43 06"object" 49 3b9aca00'],
  ])("%s", (_name, types, tail) => {
    const head = scanned(bytesOf(`05"2.0.2" 01"S" 00 01"m" ${types} ${tail}`));
    expect(() => head.attachments()).toThrow(ProtocolError);
    try {
      head.attachments();
    } catch (error) {
      expect((error as ProtocolError).protocol).toBe("dubbo2");
    }
  });
});

test("every truncation of the worked request is refused, never read past its end", () => {
  const head = new RequestHead();
  for (let end = 0; end < WORKED_BODY.length; end++) {
    expect(() => {
      head.scan(WORKED_BODY, 0, end);
      head.attachments();
      if (head.attachments().form !== "map") throw new ProtocolError("dubbo2", "ends before its attachments");
    }).toThrow(ProtocolError);
  }
});

test("classes of other letters are told: 2.6 does not count them", () => {
  const plain = scanned(bytesOf('05"2.0.2" 01"S" 00 01"m" 04"La;I" 4e'));
  const other = scanned(bytesOf('05"2.0.2" 01"S" 00 01"m" 03"L\u00c3\u00a9;" 01"a" 4e'));
  expect([plain.hasPlainTypes, other.hasPlainTypes, other.argumentCount]).toEqual([true, false, 1]);
});

test("types are counted by their descriptors, not by semicolons", () => {
  const count = (text: string) => countTypes(Buffer.from(text), 0, Buffer.byteLength(text));
  expect(["", "II", "[I", "[[Ljava/lang/String;J", "ZBCDFIJSV", "La/B;L_$a/C1;", "La/订单;"].map(count)).toEqual([
    0, 2, 1, 2, 9, 2, 1,
  ]);
  expect(splitTypes("I[JLa/B;[[Lc/D;Z")).toEqual(["I", "[J", "La/B;", "[[Lc/D;", "Z"]);
});

test("types are told by Java's names, of primitives by their letters", () => {
  const types = '16"ILjava/lang/String;[[J"';
  const head = scanned(bytesOf(`05"2.0.2" 01"S" 00 01"m" ${types} 90 01"a" 4e 4e`));
  expect([0, 1, 2, 3].map((n) => head.effectiveType(n))).toEqual(["I", "java.lang.String", "[[J", undefined]);
});
