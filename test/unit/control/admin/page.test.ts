import { expect, test } from "vitest";
import { ADMIN_PATHS, adminPage } from "../../../../src/control/admin/page.ts";

test("the page lists every path", () => {
  const page = adminPage("1.2.3");
  for (const { path } of ADMIN_PATHS) expect(page).toContain(path);
});

test("a version can't write into the page", () => {
  expect(adminPage('<script>"&')).toContain("&lt;script&gt;&quot;&amp;");
});
