import { errorMessage, invalid } from '#libs/errors/errors.js';
import { type Grant, type Grantee, type Policy, POWERS, ROLES } from './policy.js';

type Fields = Readonly<Record<string, unknown>>;

/** user_namespaces(7): 2^32-1 is no id. */
const HIGHEST_ID = 2 ** 32 - 2;

/**
 * The policy in a file's text: `{"grants": [{"to": {"gid": 1001}, "role": "operator", "labels": {"team": "web"}, "allows": ["bind-mounts"]}]}`. Throws `invalid`,
 * which names what is wrong and where; nothing is guessed, since a slip here opens a door.
 */
export function readPolicy(text: string): Policy {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw invalid(`it is not JSON: ${errorMessage(error)}`, error);
  }
  const { grants } = fields('the policy', parsed, ['grants']);
  if (!Array.isArray(grants)) throw invalid('grants has to be a list');
  return { grants: grants.map((grant, index) => readGrant(`grants[${index}]`, grant)) };
}

function readGrant(where: string, value: unknown): Grant {
  const { to, role: named, labels = {}, allows = [] } = fields(where, value, ['to', 'role', 'labels', 'allows']);
  const role = oneOf(`${where}.role`, named, ROLES);
  const grant = { to: readGrantee(`${where}.to`, to), role, labels: readLabels(`${where}.labels`, labels), allows: readPowers(`${where}.allows`, allows) };
  if (role === 'operator') return grant;
  const why = role === 'admin' ? 'an admin may everything' : 'a reader changes nothing';
  if (Object.keys(grant.labels).length > 0) throw invalid(`${where}.labels: labels hold an operator; ${why}`);
  if (grant.allows.length > 0) throw invalid(`${where}.allows: this is for an operator; ${why}`);
  return grant;
}

function readGrantee(where: string, value: unknown): Grantee {
  const { uid, gid, commonName, organisationalUnit, anyone } = fields(where, value, ['uid', 'gid', 'commonName', 'organisationalUnit', 'anyone']);
  if (anyone !== undefined && anyone !== true) throw invalid(`${where}.anyone can only be true`);
  const to = {
    ...(uid === undefined ? {} : { uid: readId(`${where}.uid`, uid) }),
    ...(gid === undefined ? {} : { gid: readId(`${where}.gid`, gid) }),
    ...(commonName === undefined ? {} : { commonName: readName(`${where}.commonName`, commonName) }),
    ...(organisationalUnit === undefined ? {} : { organisationalUnit: readName(`${where}.organisationalUnit`, organisationalUnit) }),
    ...(anyone === true ? ({ anyone: true } as const) : {}),
  };
  const onSocket = 'uid' in to || 'gid' in to;
  const onTls = 'commonName' in to || 'organisationalUnit' in to;
  if (!onSocket && !onTls && anyone !== true) throw invalid(`${where} names nobody: give uid, gid, commonName, organisationalUnit or "anyone": true`);
  if (anyone === true && (onSocket || onTls)) throw invalid(`${where}: "anyone" stands alone`);
  if (onSocket && onTls) throw invalid(`${where} fits nobody: who comes by the socket has a uid and a gid, who comes by TLS has a certificate`);
  return to;
}

function readLabels(where: string, value: unknown): Readonly<Record<string, string>> {
  if (!isFields(value)) throw invalid(`${where} has to be an object of texts`);
  for (const [name, text] of Object.entries(value)) if (name === '' || typeof text !== 'string') throw invalid(`${where}[${JSON.stringify(name)}] has to be a text`);
  return value as Readonly<Record<string, string>>; // just checked
}

function readPowers(where: string, value: unknown): Grant['allows'] {
  if (!Array.isArray(value)) throw invalid(`${where} has to be a list`);
  return value.map((power, index) => oneOf(`${where}[${index}]`, power, POWERS));
}

function readId(where: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > HIGHEST_ID) throw invalid(`${where} is ${JSON.stringify(value)}: a number from 0 to ${HIGHEST_ID} is needed`);
  return value;
}

function readName(where: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw invalid(`${where} has to be a text that is not empty`);
  return value;
}

function oneOf<Name extends string>(where: string, value: unknown, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found === undefined) throw invalid(`${where} is ${JSON.stringify(value) ?? 'missing'}: one of ${names.join(', ')} is needed`);
  return found;
}

/** The fields of an object that may have these and no others. */
function fields<Name extends string>(where: string, value: unknown, names: readonly Name[]): Readonly<Partial<Record<Name, unknown>>> {
  if (!isFields(value)) throw invalid(`${where} has to be an object`);
  for (const name of Object.keys(value)) if (!(names as readonly string[]).includes(name)) throw invalid(`${where} has a "${name}", which means nothing here: ${names.join(', ')} do`);
  return value as Readonly<Partial<Record<Name, unknown>>>; // no other names
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
