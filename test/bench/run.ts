import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Peer, sleep, startProcess, stopAll } from "../support/process.ts";
import { codecTable } from "./codec-numbers.ts";
import { measureCodecs, measureSigning } from "./codecs.ts";
import { type Contender, onLoadCore, PARTS, type Part, printedPort, type Running } from "./contenders.ts";
import {
  type BenchOptions,
  goalTable,
  type LoadResult,
  type Measured,
  type PartChoice,
  type PartName,
  parseLoadResult,
  parseOptions,
  replaceSection,
  resultTable,
  SHAPES,
  type Shape,
} from "./numbers.ts";
import { measureRegistries } from "./registries.ts";
import { registryTables } from "./registry-numbers.ts";
import { signingTable } from "./signing-numbers.ts";
import { type Programs, scratchDirectory } from "./toolchain.ts";
import { wholeCallsTable } from "./whole-calls-numbers.ts";
import { measureWholeCalls } from "./whole-calls-run.ts";
import { measureXds, measureXdsCompile, measureXdsStorm } from "./xds.ts";
import {
  COMPILED_SIZES,
  QUICK_XDS_SIZES,
  STORMS,
  XDS_SIZES,
  type XdsCompileResult,
  type XdsResult,
  type XdsStormResult,
  xdsShape,
  xdsTables,
} from "./xds-numbers.ts";

/*
 * `make bench`: for each part, its calls through each proxy in turn, all of them again every round, so that what else the machine does
 * falls on all alike. The proxy has core 1 for itself; generator and provider share core 0. Medians over the rounds.
 */

const PACED_CALLS_PER_SECOND = 1_000;
const PACED_CONNECTIONS = 16;
const PACED_WARMUP_MS = 200;

const DOCUMENT = join(dirname(fileURLToPath(import.meta.url)), "../../docs/performance.md");

/** A proxy with a provider of its own, whose open connections are then the proxy's. */
interface Bench {
  readonly contender: Contender;
  readonly echo: Peer;
  /** The generator of its calls. */
  readonly load: string;
  readonly running: Running;
  readonly measured: Measured;
  /** Of the process that started the one that carries the calls. */
  readonly parent: Measured | undefined;
}

async function main(args: readonly string[]): Promise<void> {
  if (cpus().length < 2) throw new Error("the bench needs two cores: one for the proxy, one for the load");
  const all = PARTS.map(({ name, contenders }) => ({
    name,
    proxies: contenders.map((contender) => contender.name),
    shapes: SHAPES[name],
  }));
  const others = (["codecs", "registries", "ca", "calls", "xds"] as const).map((name) => ({
    name,
    proxies: [],
    shapes: name === "xds" ? xdsShapes() : SHAPES[name],
  }));
  const options = parseOptions(args, [...all, ...others]);
  for (const choice of options.parts) {
    if (options.write) replaceSection(await readFile(DOCUMENT, "utf8"), choice.name, "");
    const part = PARTS.find(({ name }) => name === choice.name);
    if (choice.name === "registries") await runRegistries(options, args);
    else if (choice.name === "xds") await runXds(choice, options, args);
    else if (choice.name === "ca") await runSigning(options, args);
    else if (choice.name === "calls") await runWholeCalls(options, args);
    else if (part === undefined) await runCodecs(options, args);
    else await runPart(part, choice, options, args);
  }
}

async function runCodecs(options: BenchOptions, args: readonly string[]): Promise<void> {
  const directory = await scratchDirectory();
  try {
    const rows = await measureCodecs(directory, args.includes("--quick") ? "quick" : "full");
    await publish("codecs", "Codecs", `${circumstances("best of the slices", args)}\n\n${codecTable(rows)}`, options);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runSigning(options: BenchOptions, args: readonly string[]): Promise<void> {
  const directory = await scratchDirectory();
  try {
    const rows = await measureSigning(directory, args.includes("--quick") ? "quick" : "full");
    const where = circumstances("median of the slices", args);
    await publish("ca", "Certificates", `${where}\n\n${signingTable(rows)}`, options);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runWholeCalls(options: BenchOptions, args: readonly string[]): Promise<void> {
  const where = circumstances(`median of ${options.rounds} rounds`, args);
  const table = wholeCallsTable(await measureWholeCalls(options.rounds));
  await publish("calls", "Whole calls", `${where}\n\n${table}`, options);
}

async function runRegistries(options: BenchOptions, args: readonly string[]): Promise<void> {
  const results = await measureRegistries(args.includes("--quick") ? "quick" : "full");
  await publish("registries", "Registries", `${circumstances("one run", args)}\n\n${registryTables(results)}`, options);
}

/** The sizes of the xDS bench, to be chosen among; what shapes of calls have is not theirs. */
function xdsShapes(): Shape[] {
  const names = [
    ...XDS_SIZES.map((size) => xdsShape(...size)),
    ...COMPILED_SIZES.map((services) => xdsShape("compile", services)),
    ...STORMS.map((storm) => xdsShape("storm", storm)),
  ];
  return names.map((name) => ({ name, connections: 0, inflight: 0, bodyBytes: 0 }));
}

async function runXds({ shapes }: PartChoice, options: BenchOptions, args: readonly string[]): Promise<void> {
  const isChosen = (name: string) => shapes.some((shape) => shape.name === name);
  const results: XdsResult[] = [];
  for (const size of args.includes("--quick") ? QUICK_XDS_SIZES : XDS_SIZES) {
    if (!isChosen(xdsShape(...size))) continue;
    process.stderr.write(`xDS: ${xdsShape(...size)}\n`);
    results.push(await measureXds(...size, 10));
  }
  const compiled: XdsCompileResult[] = [];
  for (const services of COMPILED_SIZES)
    if (isChosen(xdsShape("compile", services))) compiled.push(await measureXdsCompile(services));
  const storms: XdsStormResult[] = [];
  const [services, clients] = args.includes("--quick") ? [1_000, 200] : [1_000, 2_000];
  for (const storm of STORMS) {
    if (!isChosen(xdsShape("storm", storm))) continue;
    process.stderr.write(`xDS: ${xdsShape("storm", storm)}\n`);
    storms.push(await measureXdsStorm(storm, services!, clients!));
  }
  const tables = xdsTables(results, compiled, storms);
  await publish("xds", "xDS", `${circumstances("one run", args)}\n\n${tables}`, options);
}

async function runPart(part: Part, choice: PartChoice, options: BenchOptions, args: readonly string[]): Promise<void> {
  const chosen = part.contenders.filter(({ name }) => name === "direct" || choice.proxies.includes(name));
  const programs = await part.build();
  const directory = await scratchDirectory();
  const benches: Bench[] = [];
  try {
    for (const contender of chosen) {
      const own = join(directory, contender.name);
      await mkdir(own);
      benches.push(await start(contender, (await contender.programs?.()) ?? programs, own));
    }
    for (let round = 0; round < options.rounds; round++) {
      process.stderr.write(`${part.title}: round ${round + 1} of ${options.rounds}\n`);
      await measureRound(benches, choice.shapes, options);
    }
    await report(part, choice, benches, options, args);
  } finally {
    for (const { running } of benches) await running.close?.();
    await stopAll();
    await rm(directory, { recursive: true, force: true });
  }
}

async function start(contender: Contender, programs: Programs, directory: string): Promise<Bench> {
  const { answers } = contender;
  const echo = await startProcess({
    name: "echo provider",
    ...onLoadCore(programs.echo, answers === undefined ? [] : [`--answer=${answers.echo}`]),
    stdin: true,
    ready: (self) => printedPort(self) !== undefined,
    deadlineMs: 5_000,
  });
  const running = await contender.start(directory, printedPort(echo)!);
  const { name, title } = contender;
  const hasParent = running.peer !== undefined && running.peer.pid !== running.pid;
  const parent = hasParent ? nothingYet(`${name}-parent`, `${title}'s parent process`) : undefined;
  return { contender, echo, load: programs.load, running, measured: nothingYet(name, title), parent };
}

function nothingYet(name: string, title: string): Measured {
  return {
    name,
    title,
    cpuUs: {},
    callsPerSecond: {},
    p50Us: [],
    p99Us: [],
    rssMb: [],
    upstreamConnections: -1,
  };
}

async function measureRound(benches: readonly Bench[], shapes: readonly Shape[], options: BenchOptions): Promise<void> {
  const timing = [`--warmup=${options.warmupMs}`];
  for (const shape of shapes) {
    for (const bench of benches) {
      const counting = countConnections(bench, options.warmupMs + options.measureMs / 2);
      const result = await runLoad(bench, [
        ...timing,
        `--time=${options.measureMs}`,
        `--connections=${shape.connections}`,
        `--inflight=${shape.inflight}`,
        `--body=${shape.bodyBytes}`,
        ...(shape.timeouts ? ["--timeouts=1"] : []),
      ]);
      await counting;
      if (result === undefined) continue;
      push(bench.measured.callsPerSecond, shape.name, result.callsPerSecond);
      for (const [i, pid] of pidsOf(bench).entries()) {
        const { cpuUs, rssMb } = i === 0 ? bench.measured : bench.parent!;
        push(cpuUs, shape.name, (result.cpuMs[i]! * 1000) / result.answered);
        rssMb.push(await residentMb(pid));
      }
    }
  }
  // What a proxy adds to latency is only known beside the direct way.
  const slices = benches.some(({ contender }) => contender.name === "direct") ? options.pacedSlices : 0;
  for (let slice = 0; slice < slices; slice++) {
    for (const bench of benches) {
      const result = await runLoad(bench, [
        `--warmup=${PACED_WARMUP_MS}`,
        `--time=${options.pacedMs}`,
        `--connections=${PACED_CONNECTIONS}`,
        `--rate=${PACED_CALLS_PER_SECOND}`,
      ]);
      if (result === undefined) continue;
      bench.measured.p50Us.push(result.p50Us);
      bench.measured.p99Us.push(result.p99Us);
    }
  }
}

/** Undefined for a way that failed, now or before: its row says so, and the others go on. */
async function runLoad(bench: Bench, args: readonly string[]): Promise<LoadResult | undefined> {
  const { contender, load, measured, running } = bench;
  if (measured.failure !== undefined) return undefined;
  const pids = pidsOf(bench).map((pid) => `--pid=${pid}`);
  const form = contender.answers === undefined ? [] : [`--answer=${contender.answers.load}`];
  const run = await startProcess({
    name: `load generator against ${measured.title}`,
    ...onLoadCore(load, [`--port=${running.port}`, ...form, ...args, ...pids]),
    ready: () => true,
  });
  const limit = setTimeout(() => run.child.kill("SIGKILL"), 60_000);
  const exit = await run.exited;
  clearTimeout(limit);
  try {
    if (exit.code !== 0) throw new Error(run.log() || `ended with ${exit.signal ?? exit.code}`);
    return parseLoadResult(run.stdout());
  } catch (error) {
    measured.failure = (error as Error).message;
    process.stderr.write(`${run.name}: ${measured.failure}\n${running.peer?.log() ?? ""}\n${bench.echo.log()}\n`);
    return undefined;
  }
}

/** The process that carries the calls, then its parent where there is one. */
function pidsOf({ running, parent }: Bench): readonly number[] {
  if (running.pid === undefined) return [];
  return parent === undefined ? [running.pid] : [running.pid, running.peer!.pid];
}

/** Asks the provider in the middle of the run how many connections it has. */
async function countConnections(bench: Bench, afterMs: number): Promise<void> {
  const { echo, measured, running } = bench;
  if (running.pid === undefined || measured.failure !== undefined) return;
  await sleep(afterMs);
  const before = echo.stdout().length;
  echo.child.stdin!.write("?\n");
  for (let waits = 0; waits < 100 && !echo.stdout().slice(before).includes("\n"); waits++) await sleep(10);
  const line = echo.stdout().slice(before);
  if (!line.includes("\n")) return;
  const { open } = JSON.parse(line) as { open: number };
  measured.upstreamConnections = Math.max(measured.upstreamConnections, open);
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
}

function push(lists: Record<string, number[]>, name: string, value: number): void {
  const list = lists[name] ?? [];
  lists[name] = list;
  list.push(value);
}

async function report(
  part: Part,
  { name, shapes }: PartChoice,
  benches: readonly Bench[],
  options: BenchOptions,
  args: readonly string[],
): Promise<void> {
  const all = benches.flatMap(({ measured, parent }) => (parent === undefined ? [measured] : [measured, parent]));
  const tables = `${resultTable(all, shapes)}\n\n${goalTable(all, name)}`;
  const text = `${circumstances(`median of ${options.rounds} rounds`, args)}\n\n${tables}`;
  const failed = all.filter(({ failure }) => failure !== undefined);
  await publish(name, part.title, text, failed.length > 0 ? { write: false } : options);
  if (failed.length > 0) throw new Error(failed.map(({ title, failure }) => `${title}: ${failure}`).join("\n"));
}

/** Prints a part's text, and puts it into the document where that is asked for. */
async function publish(
  name: PartName,
  title: string,
  text: string,
  { write }: Pick<BenchOptions, "write">,
): Promise<void> {
  process.stdout.write(`${title}: ${text}\n\n`);
  if (write) await writeFile(DOCUMENT, replaceSection(await readFile(DOCUMENT, "utf8"), name, text));
}

function circumstances(counted: string, args: readonly string[]): string {
  const given = args.filter((arg) => arg !== "--write");
  const today = new Date().toISOString().slice(0, 10);
  const machine = `${cpus().length} cores (${cpus()[0]!.model.trim()}), Linux, Node ${process.version}, ${today}`;
  return `${machine}; ${counted}; \`make bench${given.length > 0 ? ` ARGS="${given.join(" ")}"` : ""}\`.`;
}

await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
});
