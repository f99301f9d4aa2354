import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import type { Value } from "../codecs/value.ts";
import { type DemoMesh, startDemoMesh } from "./demo/demo-mesh.ts";
import { ORDER_METHODS, type OrderMethod } from "./demo/order-service.ts";
import { CALLERS, type Caller, PHASES, type Phase } from "./demo/scenario.ts";
import { STOCK_CALLERS, type StockCaller } from "./demo/stock-callers.ts";
import { STOCK_METHODS, type StockMethod } from "./demo/stock-service.ts";
import { StockTally, Tally } from "./demo/tally.ts";
import { failWith } from "./fail.ts";

/** Calls of each method by each caller in a phase of `--once`. */
const CALLS = 100;
/** How long a phase of the live demo lasts, and how often its table is drawn, ms. */
const PHASE_MS = 12_000;
const REDRAW_MS = 1_000;
const PAUSE_MS = 5;
const STOCK_TITLE =
  "a rule: StockService is a REST service, called as its OpenAPI document says; no provider speaks Dubbo";

/** `trestle demo`: the main job with nothing installed. */
export function createDemoCommand(): Command {
  return new Command("demo")
    .description(
      "show the main job with nothing installed: a registry, a Dubbo2 and a Triple provider and a REST service, callers of four protocols, and rules that split their calls by method and lead them to the REST service",
    )
    .option(
      "--once",
      "make a fixed number of calls, print the table, and exit 0 only if the split is what the rule says",
    )
    .addHelpText(
      "after",
      `
Examples:
  trestle demo          a live table; rules come and go every ${PHASE_MS / 1_000} s; Ctrl-C ends it
  trestle demo --once   for scripts`,
    )
    .action(async ({ once }: { once?: true }) => {
      const stop = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
      let isRead = true;
      process.stdout.once("error", () => {
        isRead = false;
        stop.abort();
      });
      process.stdout.write("starting a registry, a facade, two proxy workers and sample applications ...\n");
      const mesh = await startDemoMesh().catch(failWith);
      process.stdout.write(introduction(mesh));
      const holds = once === true ? await runOnce(mesh, stop.signal) : await runLive(mesh, stop.signal);
      await mesh.close();
      if (!isRead) process.exit(0);
      if (once === true && stop.signal.aborted) failWith(new Error("stopped before all calls were made"));
      process.stdout.write(holds ? "the split was what the rule says\n" : "the split was NOT what the rule says\n");
      process.exit(holds ? 0 : 1);
    });
}

async function runOnce(mesh: DemoMesh, stop: AbortSignal): Promise<boolean> {
  let holds = true;
  for (const phase of PHASES) {
    await enter(mesh, phase);
    const tally = new Tally();
    for (let i = 0; i < CALLS && !stop.aborted; i++) {
      await callAll(mesh, i, tally);
    }
    if (stop.aborted) return false;
    process.stdout.write(`${tally.print(phase)}\n`);
    holds &&= tally.holds(phase);
  }
  await mesh.setRules(mesh.stock.rules);
  const tally = new StockTally();
  for (let i = 0; i < CALLS && !stop.aborted; i++) await callStock(mesh, i, tally);
  if (stop.aborted) return false;
  process.stdout.write(`${tally.print(STOCK_TITLE)}\n`);
  return holds && tally.holds();
}

/** A table that is filled while it is looked at. */
interface LivePhase {
  enter(): Promise<void>;
  call(i: number): Promise<void>;
  print(): string;
  holds(): boolean;
}

function livePhase(mesh: DemoMesh, turn: number): LivePhase {
  const phase = PHASES[turn % (PHASES.length + 1)];
  if (phase === undefined) {
    const tally = new StockTally();
    return {
      enter: () => mesh.setRules(mesh.stock.rules),
      call: (i) => callStock(mesh, i, tally),
      print: () => tally.print(STOCK_TITLE),
      holds: () => tally.holds(),
    };
  }
  const tally = new Tally();
  return {
    enter: () => enter(mesh, phase),
    call: (i) => callAll(mesh, i, tally),
    print: () => tally.print(phase),
    holds: () => tally.holds(phase),
  };
}

async function runLive(mesh: DemoMesh, stop: AbortSignal): Promise<boolean> {
  let holds = true;
  const redraws = process.stdout.isTTY === true;
  for (let turn = 0; !stop.aborted; turn++) {
    const phase = livePhase(mesh, turn);
    await phase.enter();
    const untilMs = Date.now() + PHASE_MS;
    let drawMs = 0;
    let lines = 0;
    for (let i = 0; Date.now() < untilMs && !stop.aborted; i++) {
      await phase.call(i);
      if (redraws && Date.now() >= drawMs) {
        if (lines > 0) process.stdout.write(`\x1b[${lines}A\x1b[J`);
        const table = phase.print();
        process.stdout.write(table);
        lines = table.split("\n").length - 1;
        drawMs = Date.now() + REDRAW_MS;
      }
      await sleep(PAUSE_MS);
    }
    process.stdout.write(`${lines > 0 ? `\x1b[${lines}A\x1b[J` : ""}${phase.print()}\n`);
    // A phase that was cut short may have too few calls to judge the shares by.
    if (!stop.aborted) holds &&= phase.holds();
  }
  return holds;
}

async function enter(mesh: DemoMesh, phase: Phase): Promise<void> {
  if (phase.rules === "" && phase === PHASES[0] && !mesh.hasRules()) return;
  await mesh.setRules(phase.rules);
}

/** Each caller calls each method once; callers do not wait for one another. */
async function callAll(mesh: DemoMesh, i: number, tally: Tally): Promise<void> {
  const args: Readonly<Record<OrderMethod, readonly Value[]>> = {
    createOrder: [`item-${i}`, 1],
    getOrder: [BigInt(i)],
    sayHello: ["Trestle"],
  };
  const callMethods = async (caller: Caller) => {
    for (const method of ORDER_METHODS) {
      try {
        tally.add(method, caller, (await mesh.call(caller, method, args[method])).servedBy);
      } catch (error) {
        tally.fail(caller, error as Error);
      }
    }
  };
  await Promise.all(CALLERS.map(callMethods));
}

/** Each caller calls each method of the REST service once. */
async function callStock(mesh: DemoMesh, i: number, tally: StockTally): Promise<void> {
  const args: Readonly<Record<StockMethod, readonly Value[]>> = {
    getStock: [`item ${i}/\u00e9`],
    reserve: [`item-${i}`, i],
  };
  const callMethods = async (caller: StockCaller) => {
    for (const method of STOCK_METHODS) {
      try {
        tally.add(method, caller, await mesh.callStock(caller, method, args[method]));
      } catch (error) {
        tally.fail(caller, error as Error);
      }
    }
  };
  await Promise.all(STOCK_CALLERS.map(callMethods));
}

function introduction(mesh: DemoMesh): string {
  const [v1, v2] = mesh.providers;
  return `
  consumers -> registry facade  zookeeper://${mesh.facade}   (the one property that an application changes)
  Dubbo2    -> proxy            dubbo://${mesh.proxy.dubbo.join(", dubbo://")}
  Triple    -> proxy            tri://${mesh.proxy.tri.join(", tri://")}
  gRPC      -> proxy            grpc://${mesh.proxy.tri.join(", grpc://")}   (types: ${mesh.protoFile})
  JSON      -> proxy            http://${mesh.proxy.tri.join(", http://")}
  proxy     -> providers        v1 dubbo://${v1}, v2 tri://${v2}
  proxy     -> REST service     http://${mesh.stock.address}   (${mesh.stock.operations.join(", ")})
  rules                         ${mesh.rulesFile}
  admin                         ${mesh.admin}

`;
}
