import { expect, test } from "vitest";
import { readRequest } from "../../../../src/control/admin/explain-url.ts";

test.each([
  [
    "http://a.example:80/b/../c?d=e&f#g",
    "",
    { scheme: "http", authority: "a.example:80", path: "/b/../c", query: "?d=e&f", verb: "GET" },
  ],
  ["https://a", "put", { scheme: "https", authority: "a", path: "/", query: "", verb: "PUT" }],
  [
    "grpcs://a/b.C/D",
    "",
    { scheme: "https", path: "/b.C/D", verb: "POST", headers: { x: "1", "content-type": "application/grpc" } },
  ],
  ["TLS://a:443", "", { scheme: "tls", authority: "a:443" }],
])("%s is read", (url, method, expected) => {
  expect(readRequest(url, method, { headers: { x: "1" } })).toMatchObject(expected);
});

test.each([
  ["ftp://a/", "", "begins with one of http, https, grpc, grpcs, tls"],
  ["a.example/b", "", "is not as http://HOST/PATH"],
  ["http:///b", "", "is not as http://HOST/PATH"],
  ["http://a/b c", "", "is not as http://HOST/PATH"],
  ["http://a/", "G T", "is none of HTTP"],
])("%s %s is an error in words", (url, method, message) => {
  expect(readRequest(url, method, { headers: {} })).toContain(message);
});
