import { expect, test } from "vitest";
import { isReserved, parseAttachments, printAttachments } from "../../../../src/codecs/triple/attachments.ts";
import { dateValue, doubleValue, floatValue, listValue, type Value } from "../../../../src/codecs/value.ts";

function print(...attachments: [string, Value][]): { fields: string[]; dropped: string[] } {
  const fields: string[] = [];
  return { fields, dropped: printAttachments(attachments, fields) };
}

test("an upper-case name goes by tri-header-convert, as Java writes it", () => {
  const { fields } = print(["userId", "7"]);
  expect(fields).toEqual(["userid", "7", "tri-header-convert", "%7B%22userid%22%3A%22userId%22%7D"]);
  expect([...parseAttachments(fields)]).toEqual([["userId", "7"]]);
});

test("every kind of value that a field can carry is carried, the others are named", () => {
  const { fields, dropped } = print(
    ["i", 1],
    ["l", 9007199254740993n],
    ["b", true],
    ["d", doubleValue(2)],
    ["f", floatValue(1.1)],
    ["t", dateValue(0)],
    ["Bytes", Buffer.from([255, 0])],
    ["n", null],
    ["list", listValue([])],
    ["bad name", "x"],
  );
  expect(fields.slice(0, 14)).toEqual([
    "i",
    "1",
    "l",
    "9007199254740993",
    "b",
    "true",
    "d",
    "2.0",
    "f",
    "1.1",
    "t",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "bytes-bin",
    "/wA",
  ]);
  expect(dropped).toEqual(["list", "bad name"]);
  expect(parseAttachments(fields).get("Bytes")).toEqual(Buffer.from([255, 0]));
});

test("reserved names pass in neither direction", () => {
  const reserved = [
    ":path",
    "Group",
    "interface",
    "grpc-status",
    "Content-Length",
    "transfer-encoding",
    "TRI-exception-code",
  ];
  for (const name of reserved) {
    expect(print([name, "x"])).toEqual({ fields: [], dropped: [] });
    expect(isReserved(name.toLowerCase())).toBe(true);
    expect(parseAttachments([name.toLowerCase(), "x"]).size).toBe(0);
  }
  expect(print(["grpc-status-details", Buffer.from([1])]).fields).toEqual([]);
});

test("headers of anybody are attachments, the last of a name counts", () => {
  const read = parseAttachments(["user-agent", "x", "timeout", "1000", "timeout", "2000"]);
  expect([...read]).toEqual([
    ["user-agent", "x"],
    ["timeout", "2000"],
  ]);
});

test.each([
  ["that renames to another name", "%7B%22a%22%3A%22interface%22%7D"],
  ["that is no JSON", "%7B"],
  ["that is badly encoded", "%zz"],
  ["that is no map of text", "%7B%22a%22%3A1%7D"],
])("a tri-header-convert %s is not believed", (_name, value) => {
  expect([...parseAttachments(["a", "1", "tri-header-convert", value])]).toEqual([["a", "1"]]);
});

test("names that differ in case alone are one, the last", () => {
  expect(print(["userId", "1"], ["userid", "2"]).fields).toEqual(["userid", "2"]);
});

test("a value with a line break is refused", () => {
  expect(() => print(["a", "1\r\ngrpc-status: 0"])).toThrow('value of header "a" has control character 0x0d');
});
