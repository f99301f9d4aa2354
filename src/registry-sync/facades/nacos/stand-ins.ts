import { isUtf8 } from "node:buffer";
import { isRecord, listOf, type NacosBody, parseBody } from "../../../codecs/nacos/body.ts";
import { readServiceAddress } from "../../../codecs/nacos/messages.ts";
import { decodePayload, encodePayload, type NacosPayload } from "../../../codecs/nacos/payload.ts";
import { registeredNacos } from "../../present/registered-nacos.ts";
import { anyStandIn, type RegisteringContext } from "../../present/registering.ts";

/** Whether a request registers instances that live with their client, or takes them out. */
export function isRegistering(type: string): boolean {
  return type === "InstanceRequest" || type === "BatchInstanceRequest";
}

/** A request as a client made it and as the registry is to get it. */
export interface StandIn {
  /** The envelope; the client's own where nothing is changed. */
  readonly message: Buffer;
  /** Whether a proxy may stand for one of its instances, at another time if not now. */
  readonly isMovable: boolean;
}

/** A client's request as the registry is to get it: with the addresses of the proxies that stand in front of its instances. */
export function standInRequest(message: Buffer, payload: NacosPayload, context: RegisteringContext): StandIn {
  const asItCame = { message, isMovable: false };
  if (context.inbound.length === 0 || !isRegistering(payload.type) || !isUtf8(payload.body)) return asItCame;
  const body = parseBody(payload.body);
  const changed = registeredBody(body, context);
  const isMovable = changed !== body || registeredBody(body, anyStandIn(context)) !== body;
  if (changed === body) return { ...asItCame, isMovable };
  return { message: encodePayload({ ...payload, body: JSON.stringify(changed) }), isMovable };
}

/** The same of an envelope that is kept. */
export function standInMessage(message: Buffer, context: RegisteringContext): StandIn {
  return standInRequest(message, decodePayload(message), context);
}

function registeredBody(body: NacosBody, context: RegisteringContext): NacosBody {
  const service = readServiceAddress(body);
  const changed = (one: unknown) => (isRecord(one) ? registeredNacos(one, service, context) : one);
  const instance = changed(body["instance"]);
  const before = listOf(body, "instances");
  const instances = before.map(changed);
  const isSame = instance === body["instance"] && instances.every((one, i) => one === before[i]);
  if (isSame) return body;
  return {
    ...body,
    ...(Object.hasOwn(body, "instance") && { instance }),
    ...(before.length > 0 && { instances }),
  };
}
