import { expect, test } from "vitest";
import { createMetadataReports, type ReportText } from "../../../../src/registry-sync/sources/metadata-reports.ts";
import { metadataNodes } from "../../../../src/registry-sync/sources/zookeeper/metadata.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const FOLDER = "/dubbo/metadata";
const provider = (address: string, params: Readonly<Record<string, string>>) => endpoint(address, { params });
const report = (type: string, properties: object = { x: "int" }): ReportText => ({
  data: Buffer.from(
    JSON.stringify({
      methods: [{ name: "get", parameterTypes: [type], returnType: type }],
      types: [{ type, properties }],
    }),
  ),
});
const orders = (...params: readonly Readonly<Record<string, string>>[]) => [
  entry(
    "a.Orders",
    params.map((one, index) => provider(`10.0.0.${index + 1}`, one)),
  ),
];

test.each([[{}], [{ application: "a/b" }], [{ application: "app", release: "dubbo-golang-3.0.1" }]])(
  "a provider with %j has no report",
  (params) => {
    const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
    expect(reports.follow(orders(params))).toEqual([]);
    expect([...reports.wanted()]).toEqual([]);
    expect(reports.wants(FOLDER)).toBe("folder");
  },
);

test("what is wanted comes from the top down, each report once", () => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  const params = { application: "app", version: "1.0.0" };
  const changed = reports.follow(orders(params, params));
  const folders = [`${FOLDER}/a.Orders`, `${FOLDER}/a.Orders/1.0.0`, `${FOLDER}/a.Orders/1.0.0/provider`];
  const key = `${FOLDER}/a.Orders/1.0.0/provider/app`;
  expect(changed).toEqual([...folders, key]);
  expect(changed.map((one) => reports.wants(one))).toEqual(["folder", "folder", "folder", "report"]);
  expect([...reports.wanted()]).toEqual([key]);
  expect(reports.wants(key.replace("/provider/", "/consumer/"))).toBeUndefined();
});

test("a report becomes the interface's types, follows its changes, and stays when its node goes", () => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  reports.follow(orders({ application: "app" }));
  const path = "/dubbo/metadata/a.Orders/provider/app";
  const tree = new Map([[path, report("a.Line")]]);
  expect(reports.take(tree, new Set([path, "/dubbo/metadata/a.Orders"]))).toBe(true);
  expect(reports.schemas).toEqual([
    {
      name: "a.Orders",
      java: {
        methods: [{ name: "get", parameterTypes: ["a.Line"], returnType: "a.Line" }],
        types: { "a.Line": { properties: { x: "int" } } },
      },
    },
  ]);
  const before = reports.schemas;
  expect(reports.take(tree, new Set(["/dubbo/a.Orders/providers"]))).toBe(false);
  expect(reports.schemas).toBe(before);
  tree.set(path, report("a.Line", { x: "long" }));
  expect(reports.take(tree, new Set([path]))).toBe(true);
  expect(reports.schemas[0]?.java?.types).toEqual({ "a.Line": { properties: { x: "long" } } });
  // Older providers delete their report before they write it anew.
  tree.delete(path);
  expect(reports.take(tree, new Set([path]))).toBe(false);
  expect(reports.schemas[0]?.java?.types).toEqual({ "a.Line": { properties: { x: "long" } } });
});

test("what another application or version wrote long ago counts for nothing", () => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  reports.follow(orders({ application: "app", version: "2" }));
  const stale = "/dubbo/metadata/a.Orders/1/provider/app";
  expect(reports.take(new Map([[stale, report("a.Old")]]), new Set([stale]))).toBe(false);
});

test("all providers' reports of an interface are one: the first by path says, the others add", () => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  reports.follow(orders({ application: "one" }, { application: "two" }));
  const paths = ["/dubbo/metadata/a.Orders/provider/one", "/dubbo/metadata/a.Orders/provider/two"] as const;
  const tree = new Map([
    [paths[0], report("a.Line", { x: "int" })],
    [paths[1], report("a.Line", { x: "long", y: "int" })],
  ]);
  reports.take(tree, new Set(paths));
  expect(reports.schemas).toHaveLength(1);
  expect(reports.schemas[0]?.java).toEqual({
    methods: [{ name: "get", parameterTypes: ["a.Line"], returnType: "a.Line" }],
    types: { "a.Line": { properties: { x: "int", y: "int" } } },
  });
});

test("types stay while an interface has no provider, and go when others come without a report", () => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  const path = "/dubbo/metadata/a.Orders/provider/app";
  reports.follow(orders({ application: "app" }));
  reports.take(new Map([[path, report("a.Line")]]), new Set([path]));
  expect(reports.follow([])).toEqual([]);
  expect(reports.schemas).toHaveLength(1);
  const changed = reports.follow(orders({ application: "other" }));
  expect(changed).toEqual(["/dubbo/metadata/a.Orders/provider/other", path]);
  expect(reports.wants(path)).toBeUndefined();
  // The tree lets the node go, and says so.
  reports.take(new Map(), new Set([path]));
  expect(reports.schemas).toEqual([]);
});

test("a report that cannot be read is a finding until it can be", () => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  const path = "/dubbo/metadata/a.Orders/provider/app";
  reports.follow(orders({ application: "app" }));
  reports.take(new Map([[path, { data: Buffer.from("{") }]]), new Set([path]));
  expect(reports.schemas).toEqual([]);
  expect(reports.findings).toEqual([
    {
      code: "TR0160",
      severity: "warning",
      at: path,
      message:
        "registry zk has a metadata report of a.Orders that cannot be read: it is no JSON; no types are known from it",
    },
  ]);
  reports.take(new Map([[path, { data: Buffer.alloc(524_289, " ") }]]), new Set([path]));
  expect(reports.findings[0]?.message).toContain("it has 524289 bytes, over the limit of 524288");
  reports.take(new Map([[path, report("a.Line")]]), new Set([path]));
  expect([reports.findings, reports.schemas.length]).toEqual([[], 1]);
  reports.take(new Map([[path, { data: Buffer.from("[]") }]]), new Set([path]));
  expect(reports.findings[0]?.message).toContain("it has no list of methods; what it said before counts");
  expect(reports.schemas[0]?.java?.types).toEqual({ "a.Line": { properties: { x: "int" } } });
});

test("a report that broke and is deleted then is no finding any more; what it said before counts", () => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  const path = "/dubbo/metadata/a.Orders/provider/app";
  reports.follow(orders({ application: "app" }));
  const broken: ReportText = { data: Buffer.from("{") };
  const states = [broken, undefined, report("a.Line"), broken, undefined].map((node) => {
    expect(reports.take(new Map(node === undefined ? [] : [[path, node]]), new Set([path]))).toBe(true);
    return [reports.findings.length, reports.schemas.length];
  });
  expect(states).toEqual([
    [1, 0],
    [0, 0],
    [0, 1],
    [1, 1],
    [0, 1],
  ]);
  expect(reports.take(new Map(), new Set([path]))).toBe(false);
});

test.each([
  ["is deleted while it has none", true],
  ["was deleted before they went", false],
])("the report of an interface without providers that %s is forgotten, and its bytes are free again", (_, isLate) => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  const names = Array.from({ length: 129 }, (_, index) => `a.S${index}`);
  const entries = names.map((name) => entry(name, [provider("10.0.0.1", { application: "app" })]));
  const paths = names.map((name) => `${FOLDER}/${name}/provider/app`);
  const large = { data: Buffer.concat([report("a.Line").data!, Buffer.alloc(523_000, " ")]) };
  const tree = new Map(paths.slice(0, 128).map((path) => [path, large]));
  const takeAll = (changed: Iterable<string>) => {
    reports.take(tree, new Set(changed));
    while (reports.isBehind) reports.take(tree, new Set());
  };
  reports.follow(entries);
  takeAll(paths);
  expect([reports.schemas.length, reports.findings.length]).toEqual([128, 0]);
  const remove = () => {
    tree.delete(paths[0]!);
    takeAll([paths[0]!]);
  };
  if (isLate) {
    reports.follow(entries.slice(1));
    remove();
  } else {
    remove();
    expect(reports.schemas).toHaveLength(128);
    reports.follow(entries.slice(1));
    takeAll([]);
  }
  expect(reports.schemas.map(({ name }) => name)).not.toContain("a.S0");
  // The last one would be over the limit with the first one's bytes.
  tree.set(paths[128]!, large);
  takeAll([paths[128]!]);
  expect([reports.schemas.length, reports.findings]).toEqual([128, []]);
});

test("of many reports some are taken up at a time", () => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  const names = Array.from({ length: 250 }, (_, index) => `a.S${index}`);
  reports.follow(names.map((name) => entry(name, [provider("10.0.0.1", { application: "app" })])));
  const paths = names.map((name) => `${FOLDER}/${name}/provider/app`);
  const tree = new Map(paths.map((path) => [path, report("a.Line")]));
  const counts = [paths, [], []].map((changed) => {
    expect(reports.take(tree, new Set(changed))).toBe(true);
    return [reports.schemas.length, reports.isBehind];
  });
  expect(counts).toEqual([
    [100, true],
    [200, true],
    [250, false],
  ]);
  expect(reports.take(tree, new Set())).toBe(false);
});

test("of many reports that cannot be read some are named and the others counted", () => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  const names = Array.from({ length: 130 }, (_, index) => `a.S${index}`);
  reports.follow(names.map((name) => entry(name, [provider("10.0.0.1", { application: "app" })])));
  const paths = names.map((name) => `${FOLDER}/${name}/provider/app`);
  const tree = new Map(paths.map((path) => [path, { data: Buffer.from("{") }]));
  reports.take(tree, new Set(paths));
  reports.take(tree, new Set());
  expect(reports.findings).toHaveLength(101);
  expect(reports.findings.at(-1)?.message).toBe("registry zk has 30 more metadata reports that cannot be read");
});

test("a world that did not change is not looked at again", () => {
  const reports = createMetadataReports(metadataNodes(FOLDER, "zk"));
  const entries = orders({ application: "app" });
  expect(reports.follow(entries)).toHaveLength(3);
  expect(reports.follow(entries)).toEqual([]);
});
