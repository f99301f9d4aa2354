import { expect, test } from "vitest";
import {
  digits,
  goalTable,
  type Measured,
  median,
  type PartChoice,
  parseLoadResult,
  parseOptions,
  replaceSection,
  resultTable,
  SHAPES,
} from "../../bench/numbers.ts";

const whole = { answered: 10, seconds: 1, callsPerSecond: 10, lost: 0, notSent: 0, p50Us: 1, p99Us: 2, cpuMs: [3] };

test("a whole result of the load generator is read", () => {
  expect(parseLoadResult(`${JSON.stringify(whole)}\n`)).toEqual(whole);
});

const badResults: readonly { readonly name: string; readonly change: object; readonly error: RegExp }[] = [
  { name: "lost calls", change: { lost: 2 }, error: /^2 calls were never answered$/ },
  { name: "calls that were not sent", change: { notSent: 1 }, error: /^1 calls could not be sent in time$/ },
  { name: "no calls at all", change: { answered: 0 }, error: /^no call was answered$/ },
  { name: "a missing figure", change: { p99Us: undefined }, error: /^the load generator printed no p99Us$/ },
];

for (const { name, change, error } of badResults) {
  test(`a result with ${name} is refused`, () => {
    expect(() => parseLoadResult(JSON.stringify({ ...whole, ...change }))).toThrow(error);
  });
}

test("the median is the middle value, or the mean of the two in the middle", () => {
  expect(median([10, 2, 3])).toBe(3);
  expect(median([4, 1, 10, 2])).toBe(3);
  expect(median([])).toBeNaN();
});

test("numbers are printed with three digits", () => {
  expect([0.4567, 9.99, 12.345, 99.96, 1234.5, -2.5, Number.NaN].map((value) => digits(value))).toEqual([
    "0.46",
    "9.99",
    "12.3",
    "100",
    "1235",
    "-2.50",
    "-",
  ]);
});

function measured(name: string, cpuUs: number[], change: Partial<Measured> = {}): Measured {
  const { name: shape } = SHAPES.dubbo2[0]!;
  return {
    name,
    title: name.toUpperCase(),
    cpuUs: cpuUs.length === 0 ? {} : { [shape]: cpuUs },
    callsPerSecond: { [shape]: [2_000, 1_000, 3_000] },
    p50Us: [],
    p99Us: [],
    rssMb: [],
    upstreamConnections: -1,
    ...change,
  };
}

test("the table has medians a proxy, and a dash where nothing was measured", () => {
  const trestle = measured("trestle", [1, 9, 2], { p50Us: [110, 130, 900], rssMb: [10, 90.4], upstreamConnections: 1 });
  expect(resultTable([measured("direct", [], { p50Us: [80, 800, 70] }), trestle], SHAPES.dubbo2.slice(0, 1))).toBe(
    [
      "| proxy | CPU µs/call 16x64/128B | calls/s 16x64/128B | added p50 µs | added p99 µs | RSS MB | upstream connections |",
      "|---|---|---|---|---|---|---|",
      "| DIRECT | - | 2.00k | - | - | - | - |",
      "| TRESTLE | 2.00 | 2.00k | 50.0 | - | 90 | 1 |",
    ].join("\n"),
  );
});

test("goals are met up to their share and missed above it; what was not measured has no row", () => {
  const all = [
    measured("direct", [], { p99Us: [20] }),
    measured("envoy-dubbo", [10], { p99Us: [15], upstreamConnections: 1024 }),
    measured("envoy-generic-bound", [2.4]),
    measured("trestle", [1], { p99Us: [13], upstreamConnections: 1 }),
  ];
  expect(goalTable(all, "dubbo2").split("\n").slice(2)).toEqual([
    "| CPU µs/call 16x64/128B | 1.00 | 10.0 (ENVOY-DUBBO) | 0.100 | ≤ 0.100 | met |",
    "| CPU µs/call 16x64/128B | 1.00 | 2.40 (ENVOY-GENERIC-BOUND) | 0.417 | ≤ 0.333 | missed |",
    "| added p99 µs | -7.00 | -5.00 (ENVOY-DUBBO) | - | ≤ 1.000 | met |",
    "| upstream connections | 1 | 1024 (ENVOY-DUBBO) | 0.001 | ≤ 0.100 | met |",
  ]);
});

test("figures that were not measured have no row beside the goals", () => {
  expect(
    goalTable([measured("envoy-dubbo", [10]), measured("trestle", [2])], "dubbo2")
      .split("\n")
      .slice(2),
  ).toEqual(["| CPU µs/call 16x64/128B | 2.00 | 10.0 (ENVOY-DUBBO) | 0.200 | ≤ 0.100 | missed |"]);
});

test("a translated call's figure stands beside the slower one of the calls that are only carried", () => {
  const all = [measured("dubbo2", [0.5]), measured("triple", [3]), measured("triple-dubbo2", [9])];
  expect(goalTable(all, "bridge").split("\n").slice(2)).toEqual([
    "| CPU µs/call 16x64/128B, triple-dubbo2 | 9.00 | 3.00 (TRIPLE) | 3.000 | ≤ 3.000 | met |",
  ]);
});

test("without Trestle there are no goals to show", () => {
  expect(goalTable([measured("envoy-dubbo", [10])], "dubbo2")).toBe("");
});

test("a proxy that failed has a row that says so and no figure, neither in the table nor beside the goals", () => {
  const failed = measured("haproxy", [9], { failure: "a call was reset with code 7", rssMb: [10] });
  const all = [failed, measured("envoy", [10]), measured("trestle", [2.5])];
  expect(resultTable(all, SHAPES.http2.slice(0, 1)).split("\n")[2]).toBe("| HAPROXY: failed | - | - | - | - | - | - |");
  expect(goalTable(all, "http2").split("\n").slice(2)).toEqual([
    "| CPU µs/call 16x64/128B | 2.50 | 10.0 (ENVOY) | 0.250 | ≤ 0.200 | missed |",
  ]);
});

const PARTS: readonly PartChoice[] = [
  { name: "dubbo2", proxies: ["direct", "envoy-dubbo", "trestle"], shapes: SHAPES.dubbo2 },
  { name: "http2", proxies: ["direct", "haproxy", "trestle"], shapes: SHAPES.http2 },
];

const partsOf = (...args: string[]) => parseOptions(args, PARTS).parts.map(({ name }) => name);

test("options choose rounds, proxies and shapes", () => {
  const options = parseOptions(["--rounds=3", "--only=trestle", "--shapes=64x1/128B", "--write"], PARTS);
  expect(options).toMatchObject({ rounds: 3, write: true });
  expect(options.parts.map(({ name, proxies }) => [name, ...proxies])).toEqual([
    ["dubbo2", "trestle"],
    ["http2", "trestle"],
  ]);
  expect(options.parts.flatMap(({ shapes }) => shapes.map(({ connections }) => connections))).toEqual([64, 64]);
  expect(parseOptions(["--quick"], PARTS).rounds).toBeLessThan(parseOptions([], PARTS).rounds);
});

test("a part is measured by its name, or when it has all that is named", () => {
  expect(partsOf()).toEqual(["dubbo2", "http2"]);
  expect(partsOf("--part=http2")).toEqual(["http2"]);
  expect(partsOf("--only=haproxy,trestle")).toEqual(["http2"]);
  expect(partsOf("--only=envoy-dubbo")).toEqual(["dubbo2"]);
  expect(partsOf("--shapes=16x64/4KB,16x64/128B")).toEqual(["dubbo2", "http2"]);
  expect(partsOf("--shapes=16x64/4KB")).toEqual(["dubbo2"]);
});

test("a part without calls is measured where neither a proxy nor a shape is named", () => {
  const all = [...PARTS, { name: "codecs", proxies: [], shapes: SHAPES.codecs } as const];
  const chosen = (...args: string[]) => parseOptions(args, all).parts.map(({ name }) => name);
  expect(chosen()).toEqual(["dubbo2", "http2", "codecs"]);
  expect(chosen("--part=codecs")).toEqual(["codecs"]);
  expect(chosen("--only=trestle")).toEqual(["dubbo2", "http2"]);
  expect(chosen("--shapes=64x1/128B")).toEqual(["dubbo2", "http2"]);
});

const badOptions: readonly { readonly arg: string; readonly error: RegExp }[] = [
  { arg: "--rounds=0", error: /^unknown option --rounds=0: / },
  { arg: "--fast", error: /^unknown option --fast: / },
  { arg: "--only=squid", error: /^no proxy is called squid; there are direct, envoy-dubbo, trestle, haproxy$/ },
  { arg: "--only=haproxy,envoy-dubbo", error: /^no part of the bench has all that was named$/ },
  { arg: "--part=http3", error: /^no part is called http3; there are dubbo2, http2$/ },
  { arg: "--shapes=1x1", error: /^no shape is called 1x1; there are 16x64\/128B, / },
];

for (const { arg, error } of badOptions) {
  test(`option ${arg} is refused`, () => {
    expect(() => parseOptions([arg], PARTS)).toThrow(error);
  });
}

test("a document's section is replaced and the rest kept", () => {
  const begin = "<!-- bench http2: begin, written by make bench ARGS=--write -->";
  const document = `# A\n${begin}\nold\n<!-- bench http2: end -->\nB\n`;
  expect(replaceSection(document, "http2", "new\n")).toBe(`# A\n${begin}\n\nnew\n\n<!-- bench http2: end -->\nB\n`);
  expect(() => replaceSection(document, "dubbo2", "new")).toThrow(/^the document has no section between/);
});

test("requests through the port of the Eureka facade have the goals of HTTP/1.1", () => {
  const one = (name: string, title: string, cpu: number, p99: number): Measured => ({
    ...{ name, title, cpuUs: { "64x1/128B": [cpu] }, callsPerSecond: {}, p50Us: [1], p99Us: [p99], rssMb: [1] },
    upstreamConnections: 1,
  });
  const ways = [
    one("direct", "direct", Number.NaN, 100),
    one("envoy", "Envoy", 50, 300),
    one("trestle", "Trestle", 20, 250),
    one("trestle-eureka", "Trestle, port of its Eureka facade", 30, 301),
  ];
  const text = goalTable(ways, "http1");
  expect(text).toContain("| CPU µs/call 64x1/128B | 20.0 | 50.0 (Envoy) | 0.400 | ≤ 0.500 | met |");
  expect(text).toContain(
    "| CPU µs/call 64x1/128B, port of the Eureka facade | 30.0 | 50.0 (Envoy) | 0.600 | ≤ 0.500 | missed |",
  );
  expect(text).toContain("| added p99 µs, port of the Eureka facade | 201 | 200 (Envoy) | 1.005 | ≤ 1.000 | missed |");
});
