import type { ChannelCredentials } from "@grpc/grpc-js";
import { TransientError } from "../../../base/errors.ts";
import { decodeMessage, encodeMessage } from "../../../codecs/xds/resource-bytes.ts";
import { xdsMessage } from "../../../codecs/xds/types.ts";
import { CREATE_CERTIFICATE } from "../../../control/ca/certificate-service.ts";

/** Longest that an authority may take to answer, ms. */
const ANSWER_MS = 10_000;
/** Largest answer, bytes. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** What a certificate is asked for with. */
export interface CertificateQuestion {
  /** `host:port`. */
  readonly server: string;
  readonly credentials: ChannelCredentials;
  readonly options: Readonly<Record<string, string | number>>;
  readonly token: string | undefined;
  /** PEM. */
  readonly csr: string;
}

/** Asks an authority by istio.v1.auth for a certificate; resolves to the chain as it was answered. Rejects with a `TransientError`. */
export async function askCertificate(question: CertificateQuestion): Promise<readonly string[]> {
  const { server, credentials, options, token, csr } = question;
  const { Client, Metadata } = await import("@grpc/grpc-js");
  const client = new Client(server, credentials, { "grpc.max_receive_message_length": MAX_ANSWER_BYTES, ...options });
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  try {
    return await new Promise<readonly string[]>((resolve, reject) => {
      client.makeUnaryRequest(
        CREATE_CERTIFICATE,
        () => Buffer.from(encodeMessage(xdsMessage("istio.v1.auth.IstioCertificateRequest"), { csr })),
        (bytes: Buffer) => decodeMessage(xdsMessage("istio.v1.auth.IstioCertificateResponse"), bytes),
        undefined,
        metadata,
        { deadline: Date.now() + ANSWER_MS },
        (error, answer) => {
          if (error !== null) reject(new TransientError(`${server}: ${error.message}`, { cause: error }));
          else resolve(((answer?.["certChain"] ?? []) as readonly string[]).map(String));
        },
      );
    });
  } finally {
    client.close();
  }
}
