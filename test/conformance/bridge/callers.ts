import type { TripleStage } from "../../support/triple-stage.ts";
import { javaCaller } from "./java-caller.ts";
import { jsonCaller } from "./json-caller.ts";
import type { BridgeCaller, CallerName } from "./peers.ts";
import { grpcCaller, stubCaller } from "./protobuf-caller.ts";

/** How each caller is started; a new one is a line here and a name in peers.ts. */
const start: Readonly<Record<CallerName, (stage: TripleStage) => Promise<BridgeCaller>>> = {
  dubbo2: (stage) => javaCaller("dubbo2", "2.7", stage, "dubbo"),
  wrapper: (stage) => javaCaller("wrapper", "3.3", stage, "tri"),
  protobuf: stubCaller,
  grpc: async (stage) => grpcCaller(stage),
  json: async (stage) => jsonCaller(stage),
};

/** Starts one kind of caller; it is used for all callees. */
export function startCaller(name: CallerName, stage: TripleStage): Promise<BridgeCaller> {
  return start[name](stage);
}
