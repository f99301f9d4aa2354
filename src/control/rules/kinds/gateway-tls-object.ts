import type { GatewayTls } from "../../../model/rule.ts";
import type { Located } from "../../../model/rules/located.ts";
import type { Report } from "../findings.ts";
import { quote } from "../schema.ts";

/** `tls` of a Gateway's server as it is written. */
export type WrittenTls = Partial<Omit<GatewayTls, "mode">> &
  Located & {
    readonly mode?: string;
    readonly httpsRedirect?: boolean;
    readonly tlsCertificates?: readonly (Located & Partial<TlsFiles>)[];
  };

interface TlsFiles {
  readonly serverCertificate: string;
  readonly privateKey: string;
  readonly caCertificates?: string;
}

/** TLS that goes on as it is. */
export const PASSTHROUGH = "PASSTHROUGH";
const MODES: readonly string[] = ["SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL", PASSTHROUGH];
/** A credential's name is a name of files too. */
const CREDENTIAL = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
/** Oldest first. */
const VERSIONS = ["TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"];
const MODERN = VERSIONS.indexOf("TLSV1_2");
/** An RSA and an ECDSA one. */
const MAX_CERTIFICATES = 2;

/** What OpenSSL and an Envoy's BoringSSL have under one name, for TLS 1.2; the second list for older TLS too. */
const SUITES = "AES128-GCM-SHA256 AES256-GCM-SHA384 CHACHA20-POLY1305"
  .split(" ")
  .flatMap((one) => [`ECDHE-ECDSA-${one}`, `ECDHE-RSA-${one}`])
  .concat("AES128-GCM-SHA256", "AES256-GCM-SHA384");
const OLD_SUITES = "AES128-SHA AES256-SHA".split(" ").flatMap((one) => [`ECDHE-ECDSA-${one}`, `ECDHE-RSA-${one}`, one]);

/** How TLS is ended as the model has it; a text where it cannot be. What is passed over is reported. */
export function readGatewayTls(tls: WrittenTls, report: Report): GatewayTls | string {
  const { mode = "SIMPLE" } = tls;
  if (!MODES.includes(mode)) return `tls.mode ${mode} is not served; it must be one of ${MODES.join(", ")}`;
  const own = readOwn(tls);
  if (typeof own === "string") return own;
  const asked = mode === "SIMPLE" ? withoutCallers(tls, report) : readCallers(tls, mode);
  if (typeof asked === "string") return asked;
  const agreed = readVersions(tls, report);
  if (typeof agreed === "string") return agreed;
  return { mode: mode as GatewayTls["mode"], ...own, ...asked, ...agreed };
}

type Own = Pick<GatewayTls, "credentialName" | "credentialNames" | "serverCertificate" | "privateKey" | "moreFiles">;

/** What the port shows of itself. */
function readOwn(tls: WrittenTls): Own | string {
  const { credentialName = "", credentialNames = [], tlsCertificates = [] } = tls;
  const names = credentialName === "" ? credentialNames : [credentialName];
  const wrong = [...names, ...(tls.caCertCredentialName ? [tls.caCertCredentialName] : [])].find(
    (name) => !CREDENTIAL.test(name),
  );
  if (wrong !== undefined) return `tls.credentialName ${quote(wrong)} is no name of a credential`;
  if (Math.max(names.length, tlsCertificates.length) > MAX_CERTIFICATES)
    return `tls has more than ${MAX_CERTIFICATES} certificates, one of RSA and one of ECDSA`;
  const [first, ...others] = names;
  if (first !== undefined) return { credentialName: first, ...(others.length > 0 && { credentialNames: names }) };
  const written: readonly Partial<TlsFiles>[] = tlsCertificates.length > 0 ? tlsCertificates : [tls];
  const files = written.map(({ serverCertificate = "", privateKey = "" }) => ({ serverCertificate, privateKey }));
  if (files.some(({ serverCertificate, privateKey }) => serverCertificate === "" || privateKey === ""))
    return "tls has neither credentialName nor serverCertificate and privateKey";
  const [one, ...more] = files;
  return { ...one, ...(more.length > 0 && { moreFiles: more }) };
}

type Asked = Pick<
  GatewayTls,
  | "caCertificates"
  | "caCertCredentialName"
  | "caCrl"
  | "subjectAltNames"
  | "verifyCertificateSpki"
  | "verifyCertificateHash"
  | "insecureSkipVerify"
>;

const OF_CALLERS =
  "caCertificates caCertCredentialName caCrl subjectAltNames verifyCertificateSpki verifyCertificateHash insecureSkipVerify".split(
    " ",
  );

/** What is asked of callers' certificates. */
function readCallers(tls: WrittenTls, mode: string): Asked | string {
  const { caCertCredentialName = "", caCrl = "", subjectAltNames = [], insecureSkipVerify } = tls;
  const { verifyCertificateSpki = [], verifyCertificateHash = [], tlsCertificates = [], credentialNames = [] } = tls;
  const isByName = Boolean(tls.credentialName) || credentialNames.length > 0;
  const caCertificates = tls.caCertificates || tlsCertificates.find((one) => one.caCertificates)?.caCertificates || "";
  if (!isByName && caCertCredentialName === "" && caCertificates === "") return `tls.mode ${mode} needs caCertificates`;
  const spki = verifyCertificateSpki.find((one) => !/^[A-Za-z0-9+/]{43}=$/.test(one));
  if (spki !== undefined) return `tls.verifyCertificateSpki ${quote(spki)} is no SHA-256 in base64`;
  const hashes = verifyCertificateHash.map((one) => one.replaceAll(":", "").toLowerCase());
  const wrong = hashes.findIndex((one) => !/^[0-9a-f]{64}$/.test(one));
  if (wrong >= 0) return `tls.verifyCertificateHash ${quote(verifyCertificateHash[wrong]!)} is no SHA-256 in hex`;
  return {
    ...(!isByName && caCertCredentialName === "" && { caCertificates }),
    ...(caCertCredentialName !== "" && { caCertCredentialName }),
    ...(caCrl !== "" && { caCrl }),
    ...(subjectAltNames.length > 0 && { subjectAltNames }),
    ...(verifyCertificateSpki.length > 0 && { verifyCertificateSpki }),
    ...(hashes.length > 0 && { verifyCertificateHash: hashes }),
    ...(insecureSkipVerify === true && { insecureSkipVerify }),
  };
}

/** With SIMPLE nobody is asked for a certificate; who wrote what to hold it against meant another mode. */
function withoutCallers(tls: WrittenTls, report: Report): Asked | string {
  const said = OF_CALLERS.filter((field) => hasText((tls as unknown as Record<string, unknown>)[field]));
  const strict = said.find((field) => field !== "caCertificates" && field !== "insecureSkipVerify");
  if (strict !== undefined) return `tls.${strict} is for mode MUTUAL or OPTIONAL_MUTUAL`;
  for (const field of said)
    report(
      "TR0227",
      tls.at.fields[field] ?? tls.at.position,
      `tls.${field} does nothing: mode SIMPLE asks nobody for a certificate`,
    );
  return {};
}

const hasText = (value: unknown) => (Array.isArray(value) ? value.length > 0 : Boolean(value));

type Agreed = Pick<GatewayTls, "minProtocolVersion" | "maxProtocolVersion" | "cipherSuites">;

/** Which versions and suites are agreed on. */
function readVersions(tls: WrittenTls, report: Report): Agreed | string {
  const { minProtocolVersion: least = "TLS_AUTO", maxProtocolVersion: most = "TLS_AUTO", cipherSuites = [] } = tls;
  const tell = (field: string, why: string) =>
    report("TR0227", tls.at.fields[field] ?? tls.at.position, `tls.${field} ${why}`);
  const max = most === "TLS_AUTO" ? VERSIONS.length - 1 : VERSIONS.indexOf(most);
  const min = least === "TLS_AUTO" ? Math.min(MODERN, max) : VERSIONS.indexOf(least);
  if (min > max) return `tls.minProtocolVersion ${least} is above maxProtocolVersion ${most}`;
  const known = cipherSuites.filter((name) => SUITES.includes(name) || OLD_SUITES.includes(name));
  const unknown = cipherSuites.filter((name) => !known.includes(name));
  if (unknown.length > 0 && known.length === 0)
    return `tls.cipherSuites has none that is known; it takes ${[...SUITES, ...OLD_SUITES].join(", ")}`;
  for (const name of unknown)
    tell("cipherSuites", `names ${quote(name)}, which is left out: it takes ${[...SUITES, ...OLD_SUITES].join(", ")}`);
  const isOld = cipherSuites.some((name) => OLD_SUITES.includes(name));
  const OLD = `needs cipherSuites that TLS before 1.2 has: ${OLD_SUITES.join(", ")}`;
  if (max < MODERN && !isOld) return `tls.maxProtocolVersion ${most} ${OLD}`;
  if (min < MODERN && !isOld) tell("minProtocolVersion", `${least} ${OLD}; TLS 1.2 is the oldest that is agreed on`);
  if (min > MODERN && known.length > 0) tell("cipherSuites", "does nothing: those of TLS 1.3 are not chosen");
  return {
    ...(least !== "TLS_AUTO" && { minProtocolVersion: VERSIONS[min < MODERN && !isOld ? MODERN : min]! }),
    ...(least === "TLS_AUTO" && min < MODERN && { minProtocolVersion: VERSIONS[min]! }),
    ...(most !== "TLS_AUTO" && { maxProtocolVersion: most }),
    ...(known.length > 0 && { cipherSuites: [...new Set(known)] }),
  };
}
