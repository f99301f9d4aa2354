import { CallError, type CallReason, ProtocolError } from "../../base/errors.ts";
import { encodeStatusAnswer } from "../../codecs/dubbo2/answer.ts";
import { encodeOutcome, PROTOCOL_VERSION, supportsResponseAttachments } from "../../codecs/dubbo2/body.ts";
import { countdownMs } from "../../codecs/dubbo2/countdown.ts";
import { HEADER_BYTES, HESSIAN2, serializationId } from "../../codecs/dubbo2/frame.ts";
import { RequestHead } from "../../codecs/dubbo2/head.ts";
import { SERVER_ERROR, SERVER_TIMEOUT } from "../../codecs/dubbo2/status.ts";
import type { Fields } from "../../codecs/fields.ts";
import { decodeRestAnswer, generalized, type RestAnswer } from "../../codecs/rest/answer.ts";
import { type RestOperation, type RestService, restServiceOf, sourceNames } from "../../codecs/rest/mapping.ts";
import { encodeRestRequest, type RestRequest } from "../../codecs/rest/request.ts";
import { isReserved } from "../../codecs/triple/attachments.ts";
import { fromField } from "../../codecs/triple/text.ts";
import { isContainer, type Value } from "../../codecs/value.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import { argumentValues, beanAnswer, type ValueForm, valueFormOf } from "./generic-form.ts";

const scanned = new RequestHead();
const MAX_ATTACHMENTS_BYTES = 64 * 1024;

/** A Dubbo2 call in REST's form, and what its answer has to look like. */
export interface TranslatedRestCall {
  readonly service: RestService;
  readonly operation: RestOperation;
  readonly request: RestRequest;
  /** How the call wants objects. */
  readonly values: ValueForm;
  /** The caller reads attachments of answers. */
  readonly readsAttachments: boolean;
  /** How long its caller waits, ms; 0 where it does not say. */
  readonly timeoutMs: number;
}

/**
 * The request frame as a REST call. Throws CallError for a body that is not Hessian2, a method that has no
 * mapping, and an argument
 * that no request can carry; `ProtocolError` for a body that cannot be read.
 */
export function toRestCall(
  frame: Buffer,
  interfaceName: string,
  schema: ServiceSchema | undefined,
): TranslatedRestCall {
  const service = restServiceOf(schema);
  if (service === undefined) throw untranslatable(`no rest mapping of ${interfaceName} is known`);
  if (serializationId(frame, 0) !== HESSIAN2) {
    throw untranslatable(`serialization ${serializationId(frame, 0)} is not translated to rest`);
  }
  try {
    scanned.scan(frame, HEADER_BYTES, frame.length);
    const values = valueFormOf(scanned, "rest");
    const count = scanned.effectiveArgumentCount;
    const types = scanned.isGeneric ? namedTypes(scanned, count) : sourceNames(scanned.descriptor);
    const operation = service.find(scanned.effectiveMethod, count, types);
    if (operation === undefined) {
      const wanted = types === undefined ? `${count} argument${count === 1 ? "" : "s"}` : types.join();
      throw untranslatable(
        `no rest mapping of ${service.interface} is for ${scanned.effectiveMethod}(${wanted.slice(0, 500)})`,
      );
    }
    const args = argumentValues(scanned, values);
    const request = encodeRestRequest({
      operation,
      args,
      attachments: attachmentsOf(scanned),
      dates: service.dates,
      generic: values.form === "generic" || values.form === "raw",
      isBean: (className) => service.fieldsOf(className) !== undefined,
    });
    return {
      service,
      operation,
      request,
      values,
      readsAttachments: supportsResponseAttachments(scanned.protocolVersion),
      timeoutMs: timeoutOf(scanned),
    };
  } finally {
    scanned.release();
  }
}

/** What the call says of its time, ms; 0 where it says nothing. */
function timeoutOf(head: RequestHead): number {
  const attachments = head.attachments();
  const leftMs = countdownMs(attachments);
  return Number.isFinite(leftMs) ? Math.max(1, leftMs) : Math.max(0, attachments.getNumber("timeout"));
}

/** The types that a generic call names; undefined where it names none, or not one for each argument. */
function namedTypes(head: RequestHead, count: number): string[] | undefined {
  const types = head.argument(1) ?? null;
  if (!isContainer(types) || types.type !== "list" || types.items.length !== count) return undefined;
  const names = types.items.filter((item) => typeof item === "string");
  return names.length === count ? names : undefined;
}

function attachmentsOf(head: RequestHead): [string, string][] {
  const attachments = head.attachments();
  const pairs: [string, string][] = [];
  for (let i = 0; i < attachments.size; i++) {
    const name = attachments.keyText(i);
    const value = attachments.valueText(i);
    // Lists, maps and objects have no form that a header could have.
    if (name !== undefined && value !== undefined) pairs.push([name, value]);
  }
  return pairs;
}

/** A REST answer with its fields; names in lower case. */
export interface FieldedRestAnswer extends RestAnswer {
  readonly fields: Fields;
}

/**
 * The answer as a Dubbo2 frame for the request with this id. Throws `ProtocolError` for content that is not what the method returns.
 */
export function toDubboRestAnswer(
  idHigh: number,
  idLow: number,
  call: TranslatedRestCall,
  answer: FieldedRestAnswer,
): Buffer {
  const outcome = decodeRestAnswer(call.service, call.operation, answer);
  if ("message" in outcome) {
    const status = outcome.type === "timeout" ? SERVER_TIMEOUT : SERVER_ERROR;
    return encodeStatusAnswer(idHigh, idLow, HESSIAN2, status, outcome.message);
  }
  const { type } = outcome;
  const value = type === "value" ? inForm(outcome.value, call) : outcome.value;
  const attachments = call.readsAttachments
    ? { ...Object.fromEntries(answerAttachments(answer.fields)), dubbo: PROTOCOL_VERSION }
    : undefined;
  return encodeOutcome(idHigh, idLow, { type, value, ...(attachments !== undefined && { attachments }) });
}

function inForm(value: Value, { values, service }: TranslatedRestCall): Value {
  if (values.form === "generic") return generalized(value, service);
  return values.form === "bean" ? beanAnswer(value, values, (name) => service.isEnum(name)) : value;
}

/** Fields that tell of the message and of the way it came, not of the call. */
const NOT_ATTACHED: ReadonlySet<string> = new Set([
  ..."accept-ranges age allow alt-svc cache-control content-disposition content-encoding content-language".split(" "),
  ..."content-location content-security-policy cross-origin-opener-policy date dubbo etag expires".split(" "),
  ..."last-modified link location pragma proxy-authenticate retry-after server set-cookie strict-transport-security".split(
    " ",
  ),
  ..."vary via warning www-authenticate x-content-type-options x-frame-options x-powered-by x-xss-protection".split(
    " ",
  ),
]);

function answerAttachments(fields: Fields): [string, string][] {
  const pairs: [string, string][] = [];
  let bytes = 0;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [name, value] = [fields[i]!, fields[i + 1]!];
    if (isReserved(name) || NOT_ATTACHED.has(name) || name.startsWith("access-control-")) continue;
    bytes += name.length + value.length;
    if (bytes > MAX_ATTACHMENTS_BYTES) {
      throw new ProtocolError("rest", `headers of the answer are over the limit of ${MAX_ATTACHMENTS_BYTES} bytes`);
    }
    pairs.push([name, fromField(value)]);
  }
  return pairs;
}

/** What a fault met while a call is translated means to its caller; undefined for one that is a bug. */
export function faultOf(error: unknown): { readonly reason: CallReason; readonly message: string } | undefined {
  if (error instanceof CallError) return { reason: error.reason, message: error.message };
  return error instanceof ProtocolError ? { reason: "undecodable", message: error.message } : undefined;
}

function untranslatable(text: string): CallError {
  return new CallError("unimplemented", "untranslatable", text);
}
