import { expect, test } from "vitest";
import { FollowedTexts } from "../../../../../src/registry-sync/sources/nacos/followed-texts.ts";

test("who listens hears what comes and goes, and nothing of what stays", () => {
  const texts = new FollowedTexts();
  const heard: string[] = [];
  texts.onChange((added, dropped) => void heard.push(`${added} | ${dropped}`));
  texts.follow(["a", "b"]);
  texts.follow(["b", "a"]);
  texts.follow(["b", "c"]);
  expect(heard).toEqual(["a,b | ", "c | a"]);
  expect([texts.ids, texts.size, texts.has("a"), texts.has("c")]).toEqual([["b", "c"], 2, false, true]);
});

test("a text is to be told once, until it is another; what is not followed is not told", () => {
  const texts = new FollowedTexts();
  texts.follow(["a", "gone", "odd"]);
  expect([texts.isRead, texts.unread]).toEqual([false, ["a", "gone", "odd"]]);
  expect(texts.take("a", "1", true)).toBe(true);
  expect(texts.take("a", "1", true)).toBe(false);
  expect(texts.take("a", "", false)).toBe(true);
  texts.same("gone");
  expect(texts.unread).toEqual(["odd"]);
  // A server that gives no MD5.
  expect(texts.take("odd", "", true)).toBe(true);
  expect(texts.take("other", "1", true)).toBe(false);
  expect([texts.isRead, texts.md5Of("a"), texts.md5Of("other")]).toEqual([true, "", ""]);
  texts.take("a", "2", true);
  texts.follow(["odd"]);
  texts.follow(["a", "odd"]);
  expect([texts.md5Of("a"), texts.unread]).toEqual(["", ["a"]]);
});
