import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { decodeHessian2 } from "../../../../src/codecs/hessian2/reader.ts";
import {
  argTypesOf,
  decodeRequestWrapper,
  decodeResponseWrapper,
  descriptorOfArgTypes,
  encodeRequestWrapper,
  encodeResponseWrapper,
  looksWrapped,
  namesObserver,
  refuseBrokenWrapper,
} from "../../../../src/codecs/triple/body.ts";
import { ENVELOPE_BYTES } from "../../../../src/codecs/triple/envelope.ts";
import { mutate, seeded } from "../../../support/mutate.ts";
import { recordedCalls, TRIPLE_LINES } from "../../../support/triple-calls.ts";

const BOB = Buffer.from("0a086865737369616e34120403626f621a106a6176612e6c616e672e537472696e67", "hex");

test("a call of sayHi(bob) is read", () => {
  const { serializeType, args, argTypes } = decodeRequestWrapper(BOB);
  expect(serializeType).toBe("hessian4");
  expect(args.map((arg) => Buffer.from(arg).toString("hex"))).toEqual(["03626f62"]);
  expect(argTypes).toEqual(["java.lang.String"]);
});

test.each(TRIPLE_LINES)("every recorded request and answer of %s is written again byte for byte", (line) => {
  for (const call of recordedCalls(line)) {
    const request = call.request.subarray(ENVELOPE_BYTES);
    expect(looksWrapped(request)).toBe(true);
    expect(encodeRequestWrapper(decodeRequestWrapper(request)).equals(request)).toBe(true);
    const response = call.response.subarray(ENVELOPE_BYTES);
    if (response.length === 0) continue;
    const wrapper = decodeResponseWrapper(response);
    expect(wrapper.serializeType).toBe("hessian4");
    expect(encodeResponseWrapper(wrapper).equals(response)).toBe(true);
  }
});

test("an argument of a recorded generic call is a Hessian stream of its own", () => {
  const call = recordedCalls("3.3.6").find(({ method }) => method === "$invoke")!;
  const { args, argTypes } = decodeRequestWrapper(call.request, ENVELOPE_BYTES);
  expect(argTypes).toEqual(["java.lang.String", "[Ljava.lang.String;", "[Ljava.lang.Object;"]);
  expect(args.map((arg) => decodeHessian2(arg))).toEqual([
    "sayHi",
    { type: "list", className: "[string", items: ["java.lang.String"] },
    { type: "list", className: "[object", items: ["bob"] },
  ]);
});

test("fields in any order and unknown fields are taken", () => {
  const wrapper = decodeRequestWrapper(Buffer.from("1a03696e7420071201912a01ff0a086865737369616e32", "hex"));
  expect([wrapper.serializeType, wrapper.argTypes, wrapper.args.length]).toEqual(["hessian2", ["int"], 1]);
});

test("a call without arguments has its serializeType alone", () => {
  const bytes = encodeRequestWrapper({ serializeType: "hessian4", args: [], argTypes: [] });
  expect(bytes.toString("hex")).toBe("0a086865737369616e34");
  expect(decodeRequestWrapper(bytes)).toEqual({ serializeType: "hessian4", args: [], argTypes: [] });
});

test("an answer without data is empty data", () => {
  const { data, type } = decodeResponseWrapper(Buffer.from("0a086865737369616e34", "hex"));
  expect([data.length, type]).toEqual([0, ""]);
});

/** As a 3.3.6 consumer sent it for `void orders(int, StreamObserver<Order>)`. */
const OBSERVED = `0a086865737369616e341201931a03696e741a2d${Buffer.from("org.apache.dubbo.common.stream.StreamObserver").toString("hex")}`;

test.each([
  ["an arg without a type", "0a0568656c6c6f12014e", "triple wrapper of 1 args and 0 argTypes"],
  ["a type without an arg", "0a0568656c6c6f1a03696e74", "triple wrapper of 0 args and 1 argTypes"],
  ["no serializeType", "12014e1a03696e74", "triple wrapper without serializeType"],
  ["256 args", `0a0568656c6c6f${"1200".repeat(256)}`, "triple wrapper of more than 255 arguments"],
])("refuses %s", (_name, hex, text) => {
  expect(() => decodeRequestWrapper(Buffer.from(hex, "hex"))).toThrow(text);
});

test.each([
  ["no message", "", false],
  ["a message whose first string is no serializeType", "0a03626f62", false],
  ["a wrapper with a further field", `${BOB.toString("hex")}2001`, false],
  ["a wrapper whose counts differ", "0a086865737369616e3412014e", false],
  ["a wrapper that is cut off", BOB.toString("hex").slice(0, -2), false],
  ["two serializeTypes", "0a086865737369616e340a086865737369616e34", false],
  ["a wrapper of msgpack", "0a076d73677061636b", true],
  ["a request for a stream, with its observer's type", OBSERVED, true],
])("%s: looks wrapped or not", (_name, hex, looks) => {
  expect(looksWrapped(Buffer.from(hex, "hex"))).toBe(looks);
});

test.each([
  ["Ljava/lang/String;I", ["java.lang.String", "int"]],
  ["[I[[Ljava/lang/String;", ["[I", "[[Ljava.lang.String;"]],
  ["", []],
])("descriptor %s has its argTypes and they have it", (descriptor, argTypes) => {
  expect(argTypesOf(descriptor)).toEqual(argTypes);
  expect(descriptorOfArgTypes(argTypes)).toBe(descriptor);
});

test("the type of an observer that has no arg is left out", () => {
  expect(decodeRequestWrapper(Buffer.from(OBSERVED, "hex"))).toMatchObject({
    argTypes: ["int"],
    args: [Buffer.of(0x93)],
  });
  expect([namesObserver(Buffer.from(OBSERVED, "hex")), namesObserver(BOB), namesObserver(Buffer.alloc(0))]).toEqual([
    true,
    false,
    false,
  ]);
  // One that is no observer's is a lie.
  const lie = Buffer.from(
    OBSERVED.replace(Buffer.from("Observer").toString("hex"), Buffer.from("Obscurer").toString("hex")),
    "hex",
  );
  expect(() => decodeRequestWrapper(lie)).toThrow("triple wrapper of 1 args and 2 argTypes");
});

test("argTypes as source writes arrays are taken", () => {
  expect(descriptorOfArgTypes(["long[]", "java.lang.String[]"])).toBe("[J[Ljava/lang/String;");
});

test("mutated wrappers are read or refused with ProtocolError", () => {
  const corpus = recordedCalls("3.3.6").map((call) => call.request.subarray(ENVELOPE_BYTES));
  const below = seeded(11);
  for (let i = 0; i < 3000; i++) {
    const mutant = mutate(corpus[below(corpus.length)]!, corpus, [0x0a, 0x12, 0x1a, 0xff, 0x80], below);
    looksWrapped(mutant);
    for (const decode of [decodeRequestWrapper, decodeResponseWrapper]) {
      try {
        decode(mutant);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }
  }
});

const text = (tag: number, said: string) => Buffer.concat([Buffer.of(tag, said.length), Buffer.from(said)]);
const argument = Buffer.of(0x12, 1, 0x4e);

test.each([
  ["fewer types than args", [text(0x0a, "hessian4"), argument, argument, text(0x1a, "int")], "2 args and 1 argTypes"],
  ["more types than args", [text(0x0a, "fastjson2"), argument, text(0x1a, "int"), text(0x1a, "int")], "1 args and 2"],
  ["too many args", [text(0x0a, "hessian2"), ...Array(256).fill(argument)], "more than 255 arguments"],
  ["an arg that goes beyond the end", [text(0x0a, "hessian2"), Buffer.of(0x12, 9, 1)], "9 bytes where 1 are left"],
] as const)("a broken wrapper says what is wrong: %s", (_, parts, wrong) => {
  const bytes = Buffer.concat(parts);
  expect(looksWrapped(bytes)).toBe(false);
  expect(() => refuseBrokenWrapper(bytes)).toThrow(wrong);
});

test.each([
  ["a name that is no serializeType", Buffer.concat([text(0x0a, "bob"), argument])],
  ["nothing", Buffer.alloc(0)],
  ["a tag alone", Buffer.of(0x0a)],
  ["a length beyond the end", Buffer.of(0x0a, 200, 1)],
  ["another field first", Buffer.concat([argument, text(0x0a, "hessian4")])],
  ["a whole one with a field of its own", Buffer.concat([text(0x0a, "hessian4"), Buffer.of(0x20, 1)])],
])("of %s nothing can be told", (_, bytes) => {
  expect(looksWrapped(bytes)).toBe(false);
  expect(() => refuseBrokenWrapper(bytes)).not.toThrow();
});
