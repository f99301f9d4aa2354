import { realClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { createController } from "../../../src/registry-sync/controller.ts";
import { eventually } from "../../support/process.ts";
import type { SourceStage } from "./cases.ts";

/** A service behind the guard, as `trestle sync` and `trestle up` have it, of a registry that is about to hold nothing. */
export interface Guarded {
  /** The registry was read, and holds none of its instances: all of them stand, held. */
  isHeld(): Promise<void>;
  /** The registry has them again, and all stand. */
  isWhole(): Promise<void>;
  stop(): Promise<void>;
}

/** More than are let go at once. */
const INSTANCES = 6;
const DEADLINE_MS = 60_000;

/** Registers instances and waits until they are known behind the guard. */
export async function followGuarded({ put, named, watched, open }: SourceStage): Promise<Guarded> {
  const instances = Array.from({ length: INSTANCES }, (_, index) => ({ host: `10.9.2.${index + 1}`, port: 8_080 }));
  const source = open();
  const stop = new AbortController();
  const controller = createController({
    ...{ sources: [source], sinks: [], owner: "conformance", clock: realClock, logger: silentLogger },
  });
  const running = controller.run(stop.signal);
  const isNamed = ({ service }: { service: { interface: string } }) =>
    service.interface.toLowerCase() === named("emptied").toLowerCase();
  const stands = () => controller.state.get().entries.find(isNamed)?.endpoints.length ?? 0;
  const held = () => controller.state.get().held.get(source.name) ?? 0;
  const settles = (what: string, holds: () => boolean) =>
    eventually(
      what,
      () => {
        if (holds()) return true;
        throw new Error(
          `${source.name}: ${stands()} stand, ${held()} are held, ${watched.endpoints("emptied").length} in the registry`,
        );
      },
      DEADLINE_MS,
    );
  await put("emptied", instances);
  await settles("all stand", () => stands() === INSTANCES && watched.endpoints("emptied").length === INSTANCES);
  return {
    async isHeld() {
      await settles(
        "what the registry lost is held",
        () => watched.entry("emptied") === undefined && held() >= INSTANCES && stands() === INSTANCES,
      );
    },
    async isWhole() {
      await settles(
        "the registry has all again",
        () => watched.endpoints("emptied").length === INSTANCES && stands() === INSTANCES,
      );
    },
    async stop() {
      stop.abort();
      await running;
    },
  };
}
