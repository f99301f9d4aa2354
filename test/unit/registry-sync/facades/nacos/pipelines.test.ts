import { expect, test } from "vitest";
import { MAX_PIPELINED, Pipelines } from "../../../../../src/registry-sync/facades/nacos/pipelines.ts";

test("a connection has so many requests open at once, whatever others have", () => {
  const pipelines = new Pipelines();
  const [one, other] = [{}, {}];
  const takes = (connection: object, count: number) =>
    Array.from({ length: count }, () => pipelines.enter(connection)).filter((taken) => taken).length;
  expect([takes(one, MAX_PIPELINED), takes(other, 1)]).toEqual([MAX_PIPELINED, 1]);
  expect(takes(one, 1)).toBe(0);
  pipelines.leave(one);
  expect(takes(one, 1)).toBe(0);
  for (let turn = 0; turn < 3; turn++) pipelines.leave(one);
  expect(takes(one, 5)).toBe(2);
});

test("one request after the other is never too many", () => {
  const pipelines = new Pipelines();
  const connection = {};
  for (let turn = 0; turn < 3 * MAX_PIPELINED; turn++) {
    expect(pipelines.enter(connection)).toBe(true);
    pipelines.leave(connection);
  }
});
