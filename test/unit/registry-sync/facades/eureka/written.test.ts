import { expect, test } from "vitest";
import { WrittenLists } from "../../../../../src/registry-sync/facades/eureka/written.ts";
import { createPresentContext } from "../../../../../src/registry-sync/present/context.ts";
import { presentEureka } from "../../../../../src/registry-sync/present/eureka.ts";

const [one, other] = ["10.0.0.1:1", "10.0.0.2:1"].map((at) =>
  presentEureka([], createPresentContext({ addresses: [at] })),
);

test("a list is written once in each form, and of another version nothing is kept", async () => {
  const lists = new WrittenLists();
  const made: string[] = [];
  const get = async (list: typeof one, version: number, form: string) => {
    const text = `${list === one ? "one" : "other"} ${version} ${form}`;
    const write = async () => Buffer.from(`${text} ${made.push(text)}`);
    return (await lists.get(list!, version, form, write)).toString();
  };
  expect([await get(one, 1, "json"), await get(one, 1, "json"), await get(one, 1, "xml")]).toEqual([
    ...["one 1 json 1", "one 1 json 1", "one 1 xml 2"],
  ]);
  expect(await get(other, 1, "json")).toBe("other 1 json 3");
  expect(await get(one, 2, "json")).toBe("one 2 json 4");
  expect(await get(one, 1, "json")).toBe("one 1 json 5");
  expect(await get(other, 1, "json")).toBe("other 1 json 3");
});
