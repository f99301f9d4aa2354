import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseJson, printJson } from "../../../../src/codecs/json-text.ts";
import { decodeJsonMessage, encodeJsonMessage, nodeToPlain } from "../../../../src/codecs/protobuf/messages.ts";
import { createSchema, readDescriptorSet } from "../../../../src/codecs/protobuf/schema.ts";

const set = readFileSync(new URL("../../../../fixtures/grpc/shop.pb", import.meta.url));
const { types } = createSchema(readDescriptorSet(set, "shop.pb"), "shop.pb");

function type(name: string) {
  return types.getMessage(name)!;
}

function encode(name: string, json: string): string {
  return Buffer.from(encodeJsonMessage(type(name), parseJson(json), types)).toString("hex");
}

function decode(name: string, hex: string): string {
  return printJson(decodeJsonMessage(type(name), Buffer.from(hex, "hex"), types));
}

describe("a message", () => {
  // The bytes were worked by hand from protobuf's encoding.
  test.each<[string, string, string, string]>([
    ["a 64-bit integer as text", "acme.Order", '{"id":"9007199254740993"}', "0881808080808080" + "10"],
    ["a small integer as text too", "acme.Order", '{"id":"42"}', "082a"],
    ["text", "acme.Order", '{"note":"é"}', "1202c3a9"],
    ["a list of messages", "acme.Order", '{"lines":[{"sku":"a","count":2}]}', "1a050a01611002"],
    ["a map", "acme.Order", '{"stock":{"a":1}}', "22050a01611001"],
    ["an enum by its name", "acme.Order", '{"state":"SHIPPED"}', "2802"],
    ["an enum by its number, where there is no name", "acme.Order", '{"state":7}', "2807"],
    ["a timestamp", "acme.Order", '{"placedAt":"2023-11-14T22:13:20Z"}', "32060880e2cfaa06"],
    ["one of several", "acme.Order", '{"cash":{"units":"-1"}}', "420b10ffffffffffffffffff01"],
    ["an optional field that is empty", "acme.Order", '{"coupon":""}', "4a00"],
    ["bytes in base64", "acme.Order", '{"photo":"Af8="}', "520201ff"],
    ["a double", "acme.Order", '{"weight":1.5}', "59000000000000f83f"],
    ["a double that JSON does not have", "acme.Order", '{"weight":"NaN"}', "59000000000000f87f"],
    ["packed zigzag numbers", "acme.Order", '{"codes":["-1","1"]}', "62020102"],
    ["a fixed 64-bit number", "acme.Order", '{"serial":"18446744073709551615"}', "69ffffffffffffffff"],
    ["a map with number keys", "acme.Order", '{"linesById":{"7":{}}}', "720408071200"],
    ["a struct", "acme.Order", '{"extra":{"a":null}}', "7a090a070a0161120208" + "00"],
    ["nothing", "acme.Order", "{}", ""],
    ["a wrapper", "google.protobuf.StringValue", '"x"', "0a0178"],
    [
      "a group, packed and loose numbers",
      "acme.old.Slip",
      '{"number":1,"loose":[1],"dense":[1],"part":[{"sku":"a"}]}',
      "0801" + "1801" + "220101" + "330a016134",
    ],
    ["a field with a name of its own in JSON", "acme.old.Slip", '{"number":1,"elsewhere":"x"}', "08013a0178"],
  ])("of %s goes from JSON and back", (_name, name, json, hex) => {
    expect(encode(name, json)).toBe(hex);
    expect(decode(name, hex)).toBe(json);
  });

  test.each([
    ["a number for a 64-bit integer keeps its digits", '{"id":9007199254740993}', '{"id":"9007199254740993"}'],
    ["a name as in the file", '{"placed_at":"2023-11-14T22:13:20Z"}', '{"placedAt":"2023-11-14T22:13:20Z"}'],
    ["a whole number as 2.0", '{"lines":[{"count":2.0}]}', '{"lines":[{"count":2}]}'],
    ["null for no value", '{"note":null}', "{}"],
  ])("takes %s", (_name, json, result) => {
    expect(decode("acme.Order", encode("acme.Order", json))).toBe(result);
  });

  test("inside an Any is named by its type", () => {
    const json = '{"attached":{"@type":"type.googleapis.com/acme.parts.Money","units":"5"}}';
    expect(JSON.parse(decode("acme.Order", encode("acme.Order", json)))).toEqual(JSON.parse(json));
  });

  test.each<[string, string, string]>([
    ["acme.Order", '{"note":"a","id":"x"}', "at id: cannot decode field acme.Order.id from JSON"],
    [
      "acme.Order",
      '{"lines":[{},{"count":-1}]}',
      "at lines[1].count: cannot decode field acme.Order.Line.count from JSON",
    ],
    ["acme.Order", '{"linesById":{"1":{},"2":{"sku":2}}}', 'at linesById["2"].sku: '],
    ["acme.Order", '{"linesById":{"x":{}}}', "at linesById: "],
    ["acme.Order", '{"cash":{"units":true}}', "at cash.units: "],
    ["acme.Order", '{"states":["OPEN","NOSUCH"]}', "at states: cannot decode"],
    ["acme.Order", '{"nosuch":1}', "at nosuch: "],
    ["acme.Order", '{"state":"NOSUCH"}', "at state: cannot decode enum acme.parts.State from JSON"],
    ["acme.Order", '{"placedAt":"yesterday"}', "at placedAt: "],
    ["acme.Order", '{"card":"1","cash":{}}', "payment"],
    ["acme.Order", "[]", "the message is no acme.Order: cannot decode message acme.Order from JSON"],
    ["acme.old.Slip", "{}", "number"],
  ])("%s as %s is refused with the field's name", (name, json, text) => {
    expect(() => encode(name, json)).toThrow(text);
    expect(() => encode(name, json)).toThrow(/^the message is no acme/);
  });

  test("that a name would damage does no harm", () => {
    expect(() => encode("acme.Order", '{"__proto__":{"note":"x"}}')).toThrow("__proto__");
    expect(encode("acme.Order", '{"stock":{"__proto__":1}}')).toBe("220d0a095f5f70726f746f5f5f1001");
  });
});

test.each(["08", "ff", "1205", "2a0100", "72020a"])("bytes %s are refused or read, without harm", (hex) => {
  try {
    decode("acme.Order", hex);
  } catch (error) {
    expect((error as Error).message).toMatch(/^the answer is no acme\.Order: [^\n]+$/);
  }
});

test("whole numbers that no double holds are text for protobuf's libraries, and keys stay keys", () => {
  const text = '{"__proto__":[9007199254740993,-9007199254740993,9007199254740991,1.5,1e3]}';
  const plain = nodeToPlain(parseJson(text)) as Record<string, unknown>;
  expect(Object.entries(plain)).toEqual([
    ["__proto__", ["9007199254740993", "-9007199254740993", 9007199254740991, 1.5, 1000]],
  ]);
});
