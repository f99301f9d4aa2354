import { describe, expect, test } from "vitest";
import { parseTemplate, printPath } from "../../../../src/codecs/rest/template.ts";

function path(template: string, values: Readonly<Record<string, string>>): string {
  return printPath(parseTemplate(template), (name) => values[name] ?? "");
}

describe("a path template", () => {
  test.each([
    ["text alone", "/orders", {}, "/orders"],
    ["a name at the end", "/orders/{id}", { id: "7" }, "/orders/7"],
    ["names between text", "/shops/{shop}/orders/{id}.json", { shop: "a", id: "-1" }, "/shops/a/orders/-1.json"],
    ["a pattern with braces", "/o/{id:[0-9]{2}}/x", { id: "42" }, "/o/42/x"],
    ["what would be another segment", "/o/{id}", { id: "a/b?c#d" }, "/o/a%2Fb%3Fc%23d"],
    ["what only some encode", "/o/{id}", { id: "a b'(*)!~+" }, "/o/a%20b%27%28%2A%29%21~%2B"],
    ["other scripts", "/o/{id}", { id: "é🚀" }, "/o/%C3%A9%F0%9F%9A%80"],
    ["control characters", "/o/{id}", { id: "a\r\nb\0" }, "/o/a%0D%0Ab%00"],
    ["dots among others", "/o/{id}", { id: "..." }, "/o/..."],
  ])("prints %s", (_, template, values, expected) => {
    expect(path(template, values)).toBe(expected);
  });

  test("keeps a query of its own apart", () => {
    expect(parseTemplate("/orders/{id}?state=open&x=%20")).toEqual({
      texts: ["/orders/", ""],
      names: ["id"],
      query: "state=open&x=%20",
    });
  });

  test.each([
    ["no slash at first", "orders", "path does not start with /"],
    ["an open brace", "/o/{id", "path has a { without its }"],
    ["an empty name", "/o/{}", "path has {}, which is no {name}"],
    ["a name of the rest of the path", "/o/{*rest}", "path has {*rest}, which is no {name}"],
    ["a name twice", "/{id}/{id}", "path has {id} twice"],
    ["a blank", "/o rders", "path has a character that none can have"],
    ["a line end", "/o\r\nx: y", "path has a character that none can have"],
    ["a half escape", "/o%2", "path has a character that none can have"],
    ["a name in the query", "/o?id={id}", "path has a character that none can have"],
    ["a blank in the query", "/o?a b", "query has a character that none can have"],
    ["too much", `/${"a".repeat(2048)}`, "path is over 2048 characters"],
  ])("with %s is refused", (_, template, message) => {
    expect(() => parseTemplate(template)).toThrow(message);
  });

  test.each([
    ["an empty one", "", "argument id is empty, which a path cannot carry"],
    ["a dot", ".", "arguments make a path of dots: /o/."],
    ["two dots", "..", "arguments make a path of dots: /o/.."],
    ["half a surrogate pair", "\ud800", "argument id has half a surrogate pair, which no request can carry"],
  ])("refuses %s for an argument", (_, id, message) => {
    expect(() => path("/o/{id}", { id })).toThrow(message);
  });
});
