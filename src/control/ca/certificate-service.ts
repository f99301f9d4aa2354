import type { JsonObject } from "@bufbuild/protobuf";
import type {
  ServerUnaryCall,
  ServiceDefinition,
  ServiceError,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { CODES, ProtocolError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { decodeMessage, encodeMessage } from "../../codecs/xds/resource-bytes.ts";
import { xdsMessage } from "../../codecs/xds/types.ts";
import { bearerToken } from "./callers.ts";
import { type Issue, IssueRefusal } from "./issue.ts";

/** Path of the service's only method. */
export const CREATE_CERTIFICATE = "/istio.v1.auth.IstioCertificateService/CreateCertificate";

/** A gRPC service, as grpc-js takes it by `server.addService`. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** What is read of a request. */
export interface CreateCertificateRequest {
  readonly csr: string;
  readonly validitySeconds: number;
}

/** Reads a request's bytes; its metadata is not looked at: none of it says who calls. Throws a `ProtocolError`. */
export function decodeCreateCertificate(bytes: Uint8Array): CreateCertificateRequest {
  const json = decodeMessage(xdsMessage("istio.v1.auth.IstioCertificateRequest"), bytes);
  return { csr: String(json["csr"] ?? ""), validitySeconds: Number(json["validityDuration"] ?? 0) };
}

/** Encodes an answer: one certificate a text, the leaf first. */
export function encodeCertificateChain(chain: readonly string[]): Buffer {
  const json: JsonObject = { certChain: [...chain] };
  return Buffer.from(encodeMessage(xdsMessage("istio.v1.auth.IstioCertificateResponse"), json));
}

/** Makes `istio.v1.auth.IstioCertificateService` of a way to issue. Source: istio/api security/v1alpha1/ca.proto. */
export function certificateService(issue: Issue, logger: Logger): GrpcService {
  const createCertificate = (
    call: ServerUnaryCall<Uint8Array, readonly string[]>,
    answer: sendUnaryData<readonly string[]>,
  ) => {
    const ended = new AbortController();
    call.on("cancelled", () => ended.abort());
    answerOf(call, issue, ended.signal).then(
      (chain) => answer(null, chain),
      (error) => answer(statusOf(error, logger)),
    );
  };
  return {
    definition: {
      CreateCertificate: {
        path: CREATE_CERTIFICATE,
        requestStream: false,
        responseStream: false,
        requestSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
        // Read by the handler: an error thrown here would tell the caller the text of the request.
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: encodeCertificateChain,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    implementation: { CreateCertificate: createCertificate },
  };
}

async function answerOf(
  call: ServerUnaryCall<Uint8Array, readonly string[]>,
  issue: Issue,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { csr, validitySeconds } = decodeCreateCertificate(call.request);
  const token = bearerToken(call.metadata.get("authorization")[0]?.toString());
  const certificate = call.getAuthContext().sslPeerCertificate?.raw;
  const credentials = {
    address: call.getPeer().replace(/:\d+$/, ""),
    ...(token !== undefined && { token }),
    ...(certificate !== undefined && { certificate }),
  };
  return (await issue({ csr, validitySeconds, credentials }, signal)).chain;
}

function statusOf(error: unknown, logger: Logger): Partial<ServiceError> {
  if (error instanceof IssueRefusal) return { code: CODES.indexOf(error.code), details: error.message };
  if (error instanceof ProtocolError)
    return { code: CODES.indexOf("invalid_argument"), details: "the request can't be read" };
  logger.error("the certificate service failed", { error: error instanceof Error ? error.stack : String(error) });
  return { code: CODES.indexOf("internal"), details: "internal error" };
}
