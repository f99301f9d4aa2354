import { describe, expect, test } from "vitest";
import { parseServiceKey, printServiceKey, serviceKey } from "../../../src/model/service.ts";

describe("a printed key", () => {
  const rows: [string, ReturnType<typeof serviceKey>][] = [
    ["com.acme.A", serviceKey("com.acme.A")],
    ["g/com.acme.A", serviceKey("com.acme.A", "g")],
    ["com.acme.A:1.0.0", serviceKey("com.acme.A", null, "1.0.0")],
    ["g/com.acme.A:1.0.0", serviceKey("com.acme.A", "g", "1.0.0")],
  ];
  test.each(rows)("%s reads back as what it was", (text, key) => {
    expect(printServiceKey(key)).toBe(text);
    expect(parseServiceKey(text)).toEqual(key);
  });
});

test("version 0.0.0 and null mean no version", () => {
  expect(serviceKey("A", null, "0.0.0")).toEqual(serviceKey("A"));
  expect(serviceKey("A", undefined, null)).toEqual({ interface: "A", group: "", version: "" });
});
