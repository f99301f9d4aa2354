import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { SerializationCheck } from "../../../../src/bridge-proxy/authz/serialization.ts";
import { messageFault, type SeenMessage } from "../../../../src/bridge-proxy/triple/message-fault.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { encodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { listValue, mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";

const check = new SerializationCheck({ deny: ["evil.*"], allow: [], maxBodyBytes: 1_000 });
const EVIL = objectValue("evil.Thing", [["a", null]]);
const OBJECT = "java.lang.Object";

function wrapper(args: readonly Value[], serializeType = "hessian4"): Buffer {
  const bytes = args.map((arg) => encodeHessian2(arg));
  return encodeRequestWrapper({ serializeType, args: bytes, argTypes: args.map(() => OBJECT) });
}

/** A value in fastjson2 that is typed as a denied class. */
function jsonb(...value: number[]): Buffer {
  const name = "evil.Thing";
  const bytes = [0x92, 0x49 + name.length, ...Buffer.from(name), 0x00, ...value];
  const args = [Buffer.from([0, 0, 0, bytes.length, ...bytes])];
  return encodeRequestWrapper({ serializeType: "fastjson2", args, argTypes: [OBJECT] });
}

function fault(message: Buffer | string, more: Partial<SeenMessage> & { path?: string; type?: string } = {}) {
  const { path = "/com.acme.A/save", type = "application/grpc", ...rest } = more;
  const head = parseRequestHead([":path", path, "content-type", type, "grpc-encoding", "gzip"]);
  const seen = {
    head,
    generic: undefined,
    schema: undefined,
    compressed: false,
    maxBytes: 10_000,
    query: "",
    contentType: type,
  };
  return messageFault(check, { ...seen, message: Buffer.from(message as string), ...rest });
}

describe("wrappers", () => {
  const typed = (...argTypes: string[]) => {
    const args = argTypes.map(() => encodeHessian2(mapValue([["a", 1]])));
    return encodeRequestWrapper({ serializeType: "hessian4", args, argTypes });
  };
  const generic = (value: Value) => wrapper(["save", listValue([]), listValue([value])]);
  const path = "/com.acme.A/$invoke";
  const rows: [string, string | undefined, string | undefined][] = [
    ["plain", fault(wrapper(["x", 1])), undefined],
    ["an object", fault(wrapper([objectValue("com.acme.A", [])])), undefined],
    ["a denied one", fault(wrapper([EVIL])), 'class "evil.Thing" is refused'],
    ["compressed", fault(gzipSync(wrapper([EVIL])), { compressed: true }), 'class "evil.Thing" is refused'],
    ["compressed in name alone", fault(wrapper(["x"]), { compressed: true }), "can't be read"],
    ["generic", fault(generic(mapValue([["class", "com.acme.A"]])), { path }), undefined],
    ["generic with a denied class", fault(generic(mapValue([["class", "evil.A"]])), { path }), '"evil.A" is refused'],
    ["generic and raw", fault(generic("x"), { path, generic: "raw.return" }), "raw.return are refused"],
    ["generic in other letters", fault(generic("x"), { path, generic: "NativeJava" }), "NativeJava are refused"],
    ["a denied parameter type", fault(typed("evil.Thing")), 'class "evil.Thing" is refused'],
    ["an array of it", fault(typed("[[Levil.Thing;")), "is refused"],
    ["an array of it, as source has it", fault(typed("evil.Thing[]")), 'class "evil.Thing" is refused'],
    ["other parameter types", fault(typed("int", "[J", "java.lang.String", "[Ljava.lang.String;")), undefined],
    ["fastjson2", fault(jsonb(0xa6, 0xa5)), 'class "evil.Thing" is refused'],
    ["fastjson2, of which nothing is left", fault(jsonb(0x05)), 'class "evil.Thing" is refused'],
    ["another serialization", fault(wrapper(["x"], "java")), 'wrapper in "java" is not read'],
    ["over the limit", fault(wrapper(["x".repeat(1_001)])), "over the guard's limit"],
    [
      "a broken argument",
      fault(
        encodeRequestWrapper({ serializeType: "hessian4", args: [Buffer.from("588f", "hex")], argTypes: [OBJECT] }),
      ),
      "can't be read",
    ],
    ["no wrapper", fault(Buffer.from("0a0568656c6c6f", "hex")), "no wrapper of Triple"],
    ["Connect's stream", fault("x", { type: "application/connect+proto" }), "content type"],
  ];
  test.each(rows)("%s", (_, is, expected) => {
    if (expected === undefined) expect(is).toBeUndefined();
    else expect(is).toContain(expected);
  });
});

describe("JSON", () => {
  const type = "application/json";
  const FORM = "application/x-www-form-urlencoded";
  const rows: [string, string | undefined, string | undefined][] = [
    ["plain", fault('[{"a":1}]', { type }), undefined],
    ["a class", fault('[{"a":[{"class":"com.acme.A"}]}]', { type }), undefined],
    ["a denied class", fault('[{"a":[{"class":"evil.A"}]}]', { type }), '"evil.A" is refused'],
    ["with an escape", fault('[{"\\u0063lass":"evil.A"}]', { type }), '"evil.A" is refused'],
    ["as fastjson names it", fault('{"@type":"evil.A"}', { type }), '"evil.A" is refused'],
    ["no JSON", fault("{", { type }), "can't be read"],
    ["nothing", fault("", { type: "text/plain", query: "?a=1" }), undefined],
    ["a class in a query in other quotes", fault("", { type: "", query: "?a={'class':'evil.A'}" }), "can't be read"],
    ["other texts in a query", fault("", { type: "", query: "?a='x&b=-&c" }), undefined],
    ["JSON of another type", fault('[{"class":"evil.A"}]', { type: "text/json" }), '"evil.A" is refused'],
    ["JSON in other quotes", fault("[{'class':'evil.A'}]", { type: "text/json" }), "can't be read"],
    ["YAML", fault("- class: evil.A", { type: "application/yaml" }), "can't be read"],
    ["a text", fault("hello", { type: "text/plain" }), "can't be read"],
    ["a form", fault("a=b&c=-", { type: FORM }), undefined],
    ["a class in a form", fault('a=%5b{"@type":"evil.A"}]', { type: `${FORM};charset=UTF-8` }), '"evil.A" is refused'],
    ["a form in other quotes", fault("a={'class':'evil.A'}", { type: FORM }), "can't be read"],
    ["another charset", fault("[]", { type: "application/json; charset=IBM037" }), "IBM037 is not read"],
    ["a class in the query", fault("", { type: "text/plain", query: '?a={"class":"evil.A"}' }), '"evil.A" is refused'],
  ];
  test.each(rows)("%s", (_, is, expected) => {
    if (expected === undefined) expect(is).toBeUndefined();
    else expect(is).toContain(expected);
  });
});
