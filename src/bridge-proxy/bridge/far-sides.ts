import { authorityOf } from "../../base/address.ts";
import { CallError } from "../../base/errors.ts";
import { HEADER_BYTES } from "../../codecs/dubbo2/frame.ts";
import { grpcServiceOf } from "../../codecs/protobuf/service.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import type { ProxyContext } from "../context.ts";
import { BACKLOG_FULL, endCall, failCall, fillSlot, type SlotTimes } from "../pending.ts";
import type { DubboEndpoint, HttpEndpoint, TripleEndpoint } from "../upstream/endpoint.ts";
import { toGrpcRequest } from "./grpc-form.ts";
import { tryRest } from "./rest-try.ts";
import type { DubboDestination } from "./to-dubbo.ts";
import { toRestCall } from "./to-rest.ts";
import { toTripleRequest } from "./to-triple.ts";
import type { FarOwner, FarSide } from "./translated-try.ts";
import { TripleTry } from "./triple-try.ts";

/** Where a translated call goes, and how long it may take. */
export interface FarParts<E> extends SlotTimes {
  readonly context: ProxyContext;
  readonly endpoint: E;
  readonly destination: DubboDestination;
  /** What is known of the service's types over there. */
  readonly schema: ServiceSchema | undefined;
}

/** A provider that speaks Dubbo2: the frame goes as it is. */
export function dubboSide({ context, endpoint, ...times }: Omit<FarParts<DubboEndpoint>, "destination">): FarSide {
  const callee = endpoint.host.connection();
  return {
    callee,
    send(frame, owner) {
      const bodyBytes = frame.length - HEADER_BYTES;
      if (endpoint.payloadBytes > 0 && bodyBytes > endpoint.payloadBytes) {
        const text = `body of ${bodyBytes} bytes is over the provider's payload ${endpoint.payloadBytes}`;
        throw new CallError("resource_exhausted", "over_limit", text);
      }
      const { calls } = context;
      const slot = slotFor(context);
      fillSlot(context, slot, owner, times);
      frame.writeInt32BE(calls.generations[slot]!, 4);
      frame.writeInt32BE(slot, 8);
      if (!callee.send(frame, 0, frame.length)) failCall(context, slot, "overflow", BACKLOG_FULL);
      return () => endCall(context, slot);
    },
  };
}

/** A provider that speaks Triple: by protobuf where a schema says its messages, else by Triple's wrapper. */
export function tripleSide(parts: FarParts<TripleEndpoint>): FarSide {
  const { context, endpoint, destination, schema, startMs, deadlineMs, deadlineKind } = parts;
  const { host } = endpoint;
  return {
    callee: host.connection(),
    send(frame, owner) {
      const to = { ...destination, authority: authorityOf(host.address, host.port), spentMs: context.nowMs - startMs };
      const service = grpcServiceOf(schema);
      const request =
        service === undefined ? toTripleRequest(frame, to) : toGrpcRequest(frame, to, service, schema?.java);
      const times = { startMs, deadlineMs, deadlineKind };
      const tried = new TripleTry(context, { owner, endpoint, request, ...ID_0, watch: undefined, ...times });
      if (!tried.start()) throw tableFull(context);
      return () => tried.cancel();
    },
  };
}

/** A provider that speaks REST, by its mapping. */
export function restSide(parts: FarParts<HttpEndpoint>): FarSide {
  const { context, endpoint, destination, schema, deadlineMs, deadlineKind } = parts;
  return {
    callee: endpoint.host.connection(),
    send(frame: Buffer, owner: FarOwner) {
      const call = toRestCall(frame, destination.service.interface, schema);
      return tryRest(context, { owner, endpoint, call, ...ID_0, watch: undefined, deadlineMs, deadlineKind });
    },
  };
}

const ID_0 = { idHigh: 0, idLow: 0 } as const;

function slotFor(context: ProxyContext): number {
  const slot = context.calls.allocate();
  if (slot < 0) throw tableFull(context);
  return slot;
}

function tableFull({ calls }: ProxyContext): CallError {
  return new CallError("resource_exhausted", "overflow", `${calls.maxCalls} calls wait already, the proxy's limit`);
}
