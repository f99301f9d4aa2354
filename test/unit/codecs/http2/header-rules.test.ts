import { expect, test } from "vitest";
import { checkHeaders, isSoundField } from "../../../../src/codecs/http2/header-rules.ts";

const GET = [":method", "GET", ":scheme", "http", ":path", "/"];

test("a head gives method, status and length", () => {
  expect(checkHeaders([...GET, "content-length", "5"], "request")).toEqual({
    fault: undefined,
    method: "GET",
    status: 0,
    contentLength: 5,
  });
  expect(checkHeaders([":status", "204"], "response").status).toBe(204);
  expect(checkHeaders([":method", "CONNECT", ":authority", "a:1"], "request").fault).toBeUndefined();
  expect(checkHeaders(["grpc-status", "0"], "trailers").fault).toBeUndefined();
});

test.each([
  ["upper case", [...GET, "Accept", "x"], "field name"],
  ["an empty name", [...GET, "", "x"], "field name"],
  ["a line feed in a value", [...GET, "a", "x\ny"], "control character"],
  ["a blank before a value", [...GET, "a", " x"], "blanks"],
  ["a late pseudo field", [":method", "GET", "a", "b", ":path", "/", ":scheme", "http"], "after a regular"],
  ["a doubled pseudo field", [...GET, ":path", "/"], "doubled"],
  ["extended CONNECT", [":method", "CONNECT", ":protocol", "websocket", ":authority", "a"], "unknown"],
  ["no path", [":method", "GET", ":scheme", "http"], "without"],
  ["an empty path", [":method", "GET", ":scheme", "http", ":path", ""], "without"],
  ["a path without slash", [":method", "GET", ":scheme", "http", ":path", "x"], "slash"],
  ["transfer-encoding", [...GET, "transfer-encoding", "chunked"], "field of the connection"],
  ["te", [...GET, "te", "gzip"], "te is not trailers"],
  ["two lengths", [...GET, "content-length", "1", "content-length", "2"], "content-length"],
  ["a signed length", [...GET, "content-length", "+1"], "content-length"],
  ["a status", [...GET, ":status", "200"], "pseudo field"],
])("a request with %s is malformed", (_name, fields, text) => {
  expect(checkHeaders(fields, "request").fault).toContain(text);
});

test("an answer without status and pseudo fields in trailers are malformed", () => {
  expect(checkHeaders(["a", "b"], "response").fault).toBe("response without :status");
  expect(checkHeaders([":status", "20"], "response").fault).toContain("pseudo field");
  expect(checkHeaders([":status", "200"], "trailers").fault).toContain("pseudo field");
});

test("a sound field has only octets that names and values may have; what is known to be sound is not looked through again", () => {
  expect([isSoundField("a-b", "x y"), isSoundField(":path", "/"), isSoundField("a", "")]).toEqual([true, true, true]);
  expect([isSoundField("A", "x"), isSoundField("", "x"), isSoundField("a", "x\r"), isSoundField("a", "x ")]).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(checkHeaders(["A", "x"], "trailers", true).fault).toBeUndefined();
  expect(checkHeaders(["te", "x"], "trailers", true).fault).toBe("te is not trailers");
});
