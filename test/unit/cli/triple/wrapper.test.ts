import { describe, expect, test } from "vitest";
import { encodeArguments } from "../../../../src/cli/call-values.ts";
import { unwrapAnswer, wrapRequest } from "../../../../src/cli/triple/wrapper.ts";
import { parseJson } from "../../../../src/codecs/json-text.ts";
import { decodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import { ENVELOPE_BYTES } from "../../../../src/codecs/triple/envelope.ts";
import { isObject } from "../../../../src/codecs/value.ts";
import { recordedCalls, TRIPLE_LINES } from "../../../support/triple-calls.ts";

const HEAD = [":status", "200", "content-type", "application/grpc+proto"];
const OK = ["grpc-status", "0"];

function args(json: string) {
  return parseJson(json) as ReturnType<typeof parseJson>[];
}

describe("a request", () => {
  test("with types is the wrapper that triple.md's worked bytes have", () => {
    const request = encodeArguments("sayHello", args('["bob"]'), { types: "String", generic: false });
    expect(wrapRequest(request).toString("hex")).toBe(
      "0a086865737369616e34" + "120403626f62" + "1a106a6176612e6c616e672e537472696e67",
    );
  });
  test("without arguments names its serialization alone", () => {
    const request = encodeArguments("ping", [], { types: "", generic: false });
    expect(wrapRequest(request).toString("hex")).toBe("0a086865737369616e34");
  });
  test("without types is Dubbo's generic call, each argument a stream of its own", () => {
    const request = encodeArguments("m", args("[42]"), { types: undefined, generic: true });
    const wrapper = decodeRequestWrapper(wrapRequest(request));
    expect(wrapper.argTypes).toEqual(["java.lang.String", "[Ljava.lang.String;", "[Ljava.lang.Object;"]);
    expect(wrapper.args.map((arg) => Buffer.from(arg).toString("hex"))).toEqual([
      "016d",
      "4e",
      `7107${Buffer.from("[object").toString("hex")}ba`,
    ]);
  });
});

describe("an answer", () => {
  test.each(TRIPLE_LINES)("recorded from %s is a value or an exception as its method is", (line) => {
    const throwing = ["fail", "boom", "boomPrivate"];
    for (const call of recordedCalls(line).filter(({ run, method }) => run === "typed" && method !== "slow")) {
      const head = call.responseHead!.flat();
      const outcome = unwrapAnswer(head, call.trailers.flat(), call.response.subarray(ENVELOPE_BYTES));
      expect([call.method, outcome.type]).toEqual([
        call.method,
        throwing.includes(call.method) ? "exception" : "value",
      ]);
      if (outcome.type === "exception") expect(isObject(outcome.value)).toBe(true);
    }
  });
  test("that is an error has gRPC's number, its name and the text", () => {
    const trailers = [":status", "200", "grpc-status", "12", "grpc-message", "Service%20not found: x"];
    const error = { type: "error", status: 12, name: "unimplemented", text: "Service not found: x" };
    expect(unwrapAnswer(null, trailers, undefined)).toEqual(error);
  });
  test("of 3.1 and earlier, whose exception stands in the details, has the text from there", () => {
    const call = recordedCalls("3.2.18").find(({ trailers }) => trailers.flat().join().includes("No%20such"))!;
    const fields = call.trailers.flat();
    fields.splice(fields.indexOf("grpc-message"), 2);
    expect(unwrapAnswer(null, fields, undefined)).toMatchObject({
      type: "error",
      status: 2,
      text: expect.stringContaining("No such method nosuch"),
    });
  });
  test("of a void method without data is null", () => {
    const message = Buffer.from("0a086865737369616e341a04766f6964", "hex");
    expect(unwrapAnswer(HEAD, OK, message)).toEqual({ type: "value", value: null });
  });
  test("without a message, or in another serialization, is refused", () => {
    expect(() => unwrapAnswer(HEAD, OK, undefined)).toThrow("the provider answered without a message");
    const json = Buffer.from("0a046a736f6e12027b7d", "hex");
    expect(() => unwrapAnswer(HEAD, OK, json)).toThrow(
      'the provider answered in serialization "json"; hessian2 was asked for',
    );
  });
});
