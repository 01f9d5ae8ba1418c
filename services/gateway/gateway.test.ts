import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { conflict, invalid, notFound } from '#libs/errors/errors.js';
import { toToldEnd } from '#libs/messaging/told-end.js';
import { answers, asked, endpoint, happens, http, ID, useGateway, view, world } from './testing/gateway-world.js';

useGateway();

const line = (value: object): string => `${JSON.stringify(value)}\n`;

test.each(['/containers/json', '/containers/web/json'])('%s asks no service for a position that the log has not come to', async (path) => {
  const something = { type: 'ContainerRemoved', container: ID, at: new Date().toISOString() } as const;
  const position = happens(something);
  const waiting = http('GET', `${path}?minPosition=${position + 1}`);
  await http('GET', '/containers/json');
  const looked = (): unknown[] => asked.filter(({ data }) => data['minPosition'] !== undefined).map(({ data }) => data['minPosition']);
  expect(looked()).toEqual([]);
  happens(something);
  expect((await waiting).status).toBe(200);
  expect(looked()).toEqual([position + 1]);
});

test('who saw a position that the log has no more, as one that was put back to an older state, is told so', async () => {
  const last = happens({ type: 'ContainerRemoved', container: ID, at: new Date().toISOString() });
  expect((await http('GET', `/berth/events?from=${last}`)).status).toBe(200);
  for (const follow of ['', '&follow=1']) {
    const { status, text } = await http('GET', `/berth/events?from=${last + 1}${follow}`);
    expect({ status, text }).toEqual({ status: 400, text: `{"message":"\\"from\\" is ${last + 1}, and the log ends at ${last}: was it put back to an older state?"}\n` });
  }
});

describe('the front door', () => {
  test('the socket is for its owner and group alone', async () => {
    expect((await stat(world.socket)).mode & 0o777).toBe(0o660);
  });

  test('a ping tells the API version and leaves building to the classic builder', async () => {
    const { status, headers, text } = await http('GET', '/v1.43/_ping');
    expect({ status, text }).toEqual({ status: 200, text: 'OK' });
    expect(headers).toMatchObject({ 'api-version': '1.51', ostype: 'linux', 'docker-experimental': 'false', swarm: 'inactive', 'content-type': 'text/plain; charset=utf-8' });
    expect(headers['builder-version']).toBeUndefined();
    expect((await http('HEAD', '/_ping')).status).toBe(200);
  });

  test.each(['/containers/json', '/containers/web/json', '/containers/nobody/json', '/nowhere'])('the JSON of %s is a line', async (path) => {
    expect((await http('GET', path)).text).toMatch(/^[^\n]+\n$/);
  });

  test.each([
    ['GET', '/v1.23/info', 400, 'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version'],
    ['GET', '/v1.99/info', 400, 'client version 1.99 is too new. Maximum supported API version is 1.51'],
    ['GET', '/nowhere', 404, 'page not found'],
    ['POST', '/v1.51/swarm/init', 501, 'Berth does not support POST /swarm/init yet'],
    ['POST', '/networks/nobody/connect', 501, 'Berth does not support POST /networks/nobody/connect yet'],
    ['POST', '/networks/create', 400, 'invalid name: name is empty'],
    ['GET', 'http://docker/v1.23/info', 400, 'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version'],
    ['GET', 'http://docker/v1.51/containers/ghost/json', 404, 'No such container: ghost'],
    ['GET', '/containers/ghost/json', 404, 'No such container: ghost'],
    ['POST', '/containers/create', 400, 'invalid JSON: got EOF while reading request body'],
    ['POST', '/containers/ghost/wait', 404, 'No such container: ghost'],
    ['GET', '/images/busybox/json?manifests=1&platform={"os":"linux","architecture":"amd64"}', 400, 'conflicting options: manifests and platform options cannot both be set'],
    ['POST', '/containers/web/resize?h=x&w=1', 400, 'invalid resize height "x": invalid syntax'],
    ['POST', '/containers/web/resize?h=1&w=-1', 400, 'invalid resize width "-1": value out of range'],
    ['POST', '/images/busybox/tag?repo=x&tag=a/b', 400, 'invalid tag format'],
    ['POST', '/images/ghost/tag', 404, 'No such image: ghost:latest'],
    ['POST', '/containers/web/resize?h=1&w=99999999999', 400, 'invalid resize width "99999999999": value out of range'],
    ['PUT', '/volumes/nobody?version=1', 503, 'volume update only valid for cluster volumes, but swarm is unavailable'],
    ['GET', '/plugins?filters=x', 400, 'invalid filter'],
    ['GET', '/containers/json?filters={"colour":5}', 400, 'invalid filter'],
    ['GET', '/images/json?filters={"dangling":["true","false"]}', 400, "invalid filter 'dangling=[false true]'"],
    ['GET', '/containers/json?filters={"status":["x"]}', 400, "invalid filter 'status=x': invalid value for state (x): must be one of created, running, paused, restarting, removing, exited, dead"],
    ['GET', '/containers/json?filters={"health":["x"]}', 400, "invalid filter 'health=x': invalid value for health (x): must be one of none, starting, healthy, unhealthy"],
    ['GET', '/containers/json?filters={"exited":["x"]}', 400, `invalid filter 'exited=x': strconv.Atoi: parsing "x": invalid syntax`],
    ['POST', '/networks/prune?filters={"until":["x"]}', 400, 'failed to parse value as time or duration: "x"'],
    ['POST', '/networks/prune?filters={"until":["1h","2h"]}', 400, 'more than one until filter specified'],
    ['POST', '/images/prune?filters={"until":["x"]}', 500, 'failed to parse value as time or duration: "x"'],
    ['GET', '/images/json?filters={"until":["x"]}', 500, 'failed to parse value as time or duration: "x"'],
    ['GET', '/containers/json?limit=x', 500, 'strconv.Atoi: parsing "x": invalid syntax'],
    ['POST', '/containers/web/stop?t=1.5', 500, 'strconv.Atoi: parsing "1.5": invalid syntax'],
    ['GET', '/events?since=yesterday', 500, 'strconv.ParseInt: parsing "yesterday": invalid syntax'],
    ['GET', '/containers/web/logs?stdout=1&since=2026-01-01', 500, 'strconv.ParseInt: parsing "2026-01-01": invalid syntax'],
    ['GET', '/containers/nobody/logs?stdout=1&since=x', 404, 'No such container: nobody'],
    ['GET', '/containers/web/logs?stdout=1&until=1.x', 500, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['GET', '/containers/json?filters={"publish":["port"]}', 500, 'error while looking up for publish port: strconv.ParseUint: parsing "port": invalid syntax'],
    ['GET', '/containers/json?filters={"expose":["5-1"]}', 500, 'error while looking up for expose 5-1: Invalid range specified for the Port: 5-1'],
    ['GET', '/networks?filters={"type":["strange"]}', 500, "invalid filter: 'type'='strange'"],
    ['GET', '/networks?filters={"dangling":["1","0"]}', 400, 'got more than one value for filter key "dangling"'],
    ['GET', '/networks/bridge?verbose=maybe', 400, 'invalid value for verbose: maybe: strconv.ParseBool: parsing "maybe": invalid syntax'],
    ['GET', '/volumes?filters=x', 400, 'error reading volume filters: invalid filter'],
    ['GET', '/volumes?filters={"colour":["red"]}', 400, "invalid filter 'colour'"],
    ['POST', '/volumes/prune?filters={"all":["maybe"]}', 400, `invalid filter 'all': strconv.ParseBool: parsing "maybe": invalid syntax`],
    ['POST', '/build/prune?filters=x', 400, 'invalid filter'],
    ['GET', '/containers/nobody/stats?one-shot=1', 404, 'No such container: nobody'],
    ['POST', '/images/create', 500, 'Get "http:": http: no Host in request URL'],
  ])('%s %s is refused with %i', async (method, path, status, message) => {
    answers.set('images.get', ({ image }) => {
      throw notFound(`No such image: ${String(image)}:latest`);
    });
    for (const [subject, reply] of [['images.list', { images: [] }], ['networks.list', { networks: [] }], ['volumes.list', { volumes: [] }]] as const) answers.set(subject, () => ({ ...reply, position: 1 }));
    const answer = await http(method, path);
    expect({ status: answer.status, body: JSON.parse(answer.text) }).toEqual({ status, body: { message } });
  });

  test.each([
    ['GET', '//containers/json?all=1', '/containers/json?all=1'],
    ['POST', '/v1.51//containers/./create', '/v1.51/containers/create'],
    ['GET', '//evil.example/../version', '/version'],
    ['GET', 'http://docker//version', '/version'],
  ])('%s %s is sent to the path that is meant', async (method, path, location) => {
    const answer = await http(method, path);
    expect([answer.status, answer.headers.location]).toEqual([301, location]);
  });

  test.each([['%2Fweb', 'web'], ['%2F', '/']])('a container is created with the name %s, and a slash alone is not none', async (given, name) => {
    answers.set('containers.create', () => ({ id: 'c1', warnings: [] }));
    await http('POST', `/containers/create?name=${given}`, { Image: 'busybox' });
    expect(asked.find((one) => one.subject === 'containers.create')?.data).toMatchObject({ name });
  });

  test('OPTIONS of any path is answered', async () => {
    for (const path of ['/v1.51/containers/json', '/nowhere']) expect(await http('OPTIONS', path)).toMatchObject({ status: 200, text: '' });
  });

  test.each([['/containers/web/resize?w=1', 'height'], ['/exec/e1/resize?h=1', 'width']])('%s lacks a size, and changes none', async (path, what) => {
    expect(await http('POST', path)).toMatchObject({ status: 400, text: line({ message: `invalid resize ${what} "": invalid syntax` }) });
  });

  test.each([
    ['/v1/version', 400, 'client version 1 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version'],
    ['/v12/version', 400, 'client version 12 is too new. Maximum supported API version is 1.51'],
    ['/v1.51.1/version', 400, 'client version 1.51.1 is too new. Maximum supported API version is 1.51'],
    ['/v/version', 404, 'page not found'],
  ])('%s is of no version that is spoken', async (path, status, message) => {
    expect(await http('GET', path)).toMatchObject({ status, text: line({ message }) });
  });

  test('a version may have zeros before and behind', async () => {
    for (const path of ['/v01.41/_ping', '/v1.041/_ping', '/v1.41.0/_ping']) expect(await http('GET', path)).toMatchObject({ status: 200 });
  });

  test.each(['', 'rubbish; a; b', 'application/json, text/plain', 'text/plain'])('a body of the type %j is no JSON, and one that nobody reads as such may be of it', async (type) => {
    const sent = { 'Content-Type': type };
    const refused = await http('POST', '/containers/create', { Image: 'x' }, sent);
    expect({ status: refused.status, body: JSON.parse(refused.text) as object }).toEqual({ status: 400, body: { message: expect.stringContaining(`Content-Type header (${type}): m`) as string } });
    answers.set('images.log-in', () => ({ identityToken: '' }));
    expect(await http('POST', '/auth', { username: 'u' }, sent)).toMatchObject({ status: 200 });
    expect(await http('POST', '/build/prune', {}, sent)).toMatchObject({ status: 200 });
  });

  test.each([
    ['/volumes/create', [], 'invalid JSON: json: cannot unmarshal array into Go value of type volume.CreateOptions'],
    ['/volumes/create', { Name: 5 }, 'invalid JSON: json: cannot unmarshal number into Go struct field CreateOptions.Name of type string'],
    ['/volumes/create', { Labels: { a: true } }, 'invalid JSON: json: cannot unmarshal bool into Go struct field CreateOptions.Labels.a of type string'],
    ['/volumes/create', { DriverOpts: 'x' }, 'invalid JSON: json: cannot unmarshal string into Go struct field CreateOptions.DriverOpts of type map[string]string'],
    ['/containers/web/update', [], 'invalid JSON: json: cannot unmarshal array into Go value of type container.UpdateConfig'],
    ['/containers/create', { Image: 'x', HostConfig: { ConsoleSize: '24x80' } }, 'invalid JSON: json: cannot unmarshal string into Go struct field .HostConfig.ConsoleSize of type [2]uint'],
    ['/containers/create', [], 'invalid JSON: json: cannot unmarshal array into Go value of type container.CreateRequest'],
    ['/containers/create', null, 'config cannot be empty in order to create a container'],
    ['/containers/create', { name: 'x', HostConfig: {} }, 'config cannot be empty in order to create a container'],
    ['/containers/web/exec', { Cmd: 5 }, 'invalid JSON: json: cannot unmarshal number into Go struct field ExecOptions.Cmd of type []string'],
    ['/auth', { email: 5 }, 'json: cannot unmarshal number into Go struct field .email of type string'],
    ['/auth', undefined, 'EOF'],
  ])('%s of %j is told in the words of Go', async (path, body, message) => {
    expect(await http('POST', path, body)).toMatchObject({ status: path === '/auth' ? 500 : 400, text: line({ message }) });
  });

  test('an event filter that means nothing is passed over', async () => {
    expect(await http('GET', '/events?since=1&until=2&filters={"colour":["red"]}')).toMatchObject({ status: 200, text: '' });
  });

  test('an update without a body changes nothing', async () => {
    answers.set('containers.update', () => ({ warnings: [], position: 1 }));
    expect(await http('POST', '/containers/web/update')).toMatchObject({ status: 200, text: line({ Warnings: null }) });
    expect(asked.find((one) => one.subject === 'containers.update')?.data).toEqual({ container: 'web', changes: {} });
  });

  test('a limit that lacks its parts has nothing of them', async () => {
    answers.set('containers.create', () => ({ id: 'c1', warnings: [] }));
    await http('POST', '/containers/create', { Image: 'x', HostConfig: { Ulimits: [{ Soft: null }, null, { Name: 'nofile', Hard: 5 }] } });
    expect(asked.find((one) => one.subject === 'containers.create')?.data['hostConfig']).toMatchObject({ Ulimits: [{ Name: '', Soft: 0, Hard: 0 }, { Name: '', Soft: 0, Hard: 0 }, { Name: 'nofile', Soft: 0, Hard: 5 }] });
  });

  test('a container-wide MAC address is warned of, where the version has one for each network', async () => {
    answers.set('containers.create', () => ({ id: 'c1', warnings: [] }));
    const of = async (version: string): Promise<string> => (await http('POST', `/v${version}/containers/create`, { Image: 'x', MacAddress: '02:42:ac:11:00:99' })).text;
    expect(await of('1.43')).toBe(line({ Id: 'c1', Warnings: [] }));
    expect(await of('1.44')).toContain('The container-wide MacAddress field is now deprecated.');
  });

  test('a list of networks has their containers until version 1.28', async () => {
    const endpoint = { container: 'c1', name: 'web', endpointId: 'e1', mac: '02:42:ac:11:00:02', address: '172.17.0.2', prefixLength: 16 };
    answers.set('networks.list', () => ({ networks: [{ id: 'n', name: 'bridge', createdAt: '', driver: 'bridge', subnet: '', gateway: '', bridge: '', mtu: 1500, internal: false, options: {}, labels: {}, endpoints: [endpoint] }] }));
    answers.set('containers.list', () => ({ containers: [] }));
    const of = async (version: string): Promise<object> => (JSON.parse((await http('GET', `/v${version}/networks`)).text) as readonly { readonly Containers: object }[])[0]?.Containers ?? {};
    expect(await of('1.27')).toMatchObject({ c1: { Name: 'web', IPv4Address: '172.17.0.2/16' } });
    expect(await of('1.28')).toEqual({});
  });

  test('a limit of kernel memory is warned of', async () => {
    answers.set('containers.create', () => ({ id: 'c1', warnings: [] }));
    answers.set('containers.update', () => ({ warnings: ['another'], position: 1 }));
    expect((await http('POST', '/containers/create', { Image: 'x', HostConfig: { KernelMemory: 1e8 } })).text).toMatch(/"Warnings":\["KernelMemory is deprecated[^"]+"\]/);
    expect((await http('POST', '/containers/web/update', { KernelMemoryTCP: 1e8 })).text).toMatch(/"Warnings":\["KernelMemoryTCP is deprecated[^"]+","another"\]/);
  });

  test('a web socket that is none is told so, where there is a container', async () => {
    answers.set('containers.get', ({ container }) => {
      if (container === 'web') return view;
      throw notFound(`No such container: ${String(container)}`);
    });
    expect(await http('GET', '/containers/web/attach/ws?stream=1')).toMatchObject({ status: 400, text: 'not websocket protocol' });
    expect(await http('GET', '/containers/nobody/attach/ws?stream=1')).toMatchObject({ status: 404, text: line({ message: 'No such container: nobody' }) });
  });

  test('images are saved by whole names, and no list of them is one', async () => {
    answers.set('images.save', ({ images }) => {
      throw invalid(`invalid reference format: ${String(images)}`);
    });
    expect(await http('GET', '/images/get?names=a,b')).toMatchObject({ status: 400 });
    expect(asked.find((one) => one.subject === 'images.save')?.data).toEqual({ images: ['a,b'] });
  });

  test('a URL and headers of far more than a page arrive whole, as with dockerd', async () => {
    answers.set('images.list', () => ({ images: [] }));
    const { status } = await http('GET', `/images/json?filters=${encodeURIComponent(JSON.stringify({ label: ['x'.repeat(300_000)] }))}`, undefined, { 'X-Registry-Auth': 'a'.repeat(300_000) });
    expect(status).toBe(200);
    expect(await http('GET', `/containers/${'a'.repeat(10_000)}/json`)).toMatchObject({ status: 404 });
  });

  test.each([
    ['more headers than there may be', `GET /info HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(1 << 20)}\r\n\r\n`, 431, 'Request Header Fields Too Large'],
    ['what is no request', 'hello\r\n\r\n', 400, 'Bad Request'],
    ['a URL that decodes to nothing', 'GET /containers/%zz/json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400, "'/containers/%zz/json' is not a valid url component"],
  ])('%s is refused as all is', async (_what, bytes, status, message) => {
    const client = connect(world.socket).on('error', () => {});
    client.write(bytes);
    let got = '';
    for await (const piece of client) got += String(piece);
    expect(got).toMatch(new RegExp(`^HTTP/1.1 ${status} [A-Z][^\r]+\r\n`));
    expect(got).toMatch(/\r\nApi-Version: /i);
    expect(JSON.parse(got.slice(got.indexOf('\r\n\r\n') + 4))).toEqual({ message });
  });

  test('a prune of the build cache finds none', async () => {
    expect(await http('POST', '/v1.41/build/prune?all=1')).toMatchObject({ status: 200, text: line({ CachesDeleted: null, SpaceReclaimed: 0 }) });
  });

  test('images are pruned by their ids, as what they were listed as: a name may be another image\'s by then', async () => {
    const image = (id: string, repoTags: string[], repoDigests: string[]) => ({ id, repoTags, repoDigests, createdAt: '2026-01-01T00:00:00Z', sizeBytes: 10, config: {}, layers: [id], layerBytes: [10] });
    answers.set('images.list', () => ({ images: [image('a', ['host:5000/a:b', 'a:2'], ['a@sha256:1']), image('bare', [], []), image('named', ['app:latest'], [])] }));
    answers.set('images.remove', ({ image, knownAs }) => {
      if (image === 'named') throw conflict('it is new:latest by now');
      return { untagged: knownAs, deleted: [image], position: 1 };
    });
    const { text } = await http('POST', `/v1.41/images/prune?filters=${encodeURIComponent('{"dangling":["false"]}')}`);
    expect(asked.filter(({ subject }) => subject === 'images.remove').map(({ data }) => data)).toEqual([
      { image: 'a', force: false, prune: true, knownAs: ['host:5000/a:b', 'a:2', 'a@sha256:1'] },
      { image: 'bare', force: false, prune: true, knownAs: [] },
      { image: 'named', force: false, prune: true, knownAs: ['app:latest'] },
    ]);
    expect(JSON.parse(text)).toEqual({ ImagesDeleted: [{ Untagged: 'a:2' }, { Untagged: 'a@sha256:1' }, { Untagged: 'host:5000/a:b' }, { Deleted: 'a' }, { Deleted: 'bare' }], SpaceReclaimed: 20 });
  });

  const ARM = '{"os":"linux","architecture":"arm64"}';
  const another = 'image with reference busybox was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)';
  test.each([
    ['GET', '/v1.51/images/busybox/json?platform=', ARM, 404, another],
    ['GET', '/v1.51/images/busybox/history?platform=', ARM, 404, another],
    ['DELETE', '/v1.51/images/busybox?platforms=', ARM, 404, another],
    ['GET', '/v1.51/images/busybox/get?platform=', ARM, 500, 'no suitable export target found for platform linux/arm64'],
    ['GET', '/v1.48/images/get?names=busybox&platform=', ARM, 500, 'no suitable export target found for platform linux/arm64'],
    ['GET', '/images/busybox/json?platform=', 'odd', 400, "failed to parse platform: invalid character 'o' looking for beginning of value"],
    ['POST', '/images/load?platform=', 'odd', 400, "failed to parse platform: invalid character 'o' looking for beginning of value"],
    ['DELETE', '/images/busybox?platforms=', '{"os":"linux"}', 400, 'both OS and Architecture must be provided'],
  ])('a platform that an image has not got is refused, not dropped: %s %s%s', async (method, path, platform, status, message) => {
    answers.set('images.get', () => ({ os: 'linux', architecture: 'amd64', variant: '' }));
    const answer = await http(method, path + encodeURIComponent(platform));
    expect({ status: answer.status, body: JSON.parse(answer.text) }).toEqual({ status, body: { message } });
  });

  test('a load is asked to be for one platform alone', async () => {
    answers.set('images.load', (data) => Promise.reject(conflict(JSON.stringify(data))));
    const load = async (query: string) => (await http('POST', `/v1.48/images/load?${query}`)).text;
    expect(await load(`platform=${encodeURIComponent(ARM)}`)).toContain('linux/arm64');
    expect(await load(['platform', 'platform'].map((name) => `${name}=${encodeURIComponent(ARM)}`).join('&'))).toContain('multiple platform parameters not supported');
  });

  test('a body that breaks off ends what is done with it, and is told from a whole one', async () => {
    answers.set('images.load', () => endpoint());
    const gone = new Promise<void>((resolve) => {
      world.serve = (stream) => {
        stream.write('begun');
        resolve(expect(Array.fromAsync(toToldEnd(stream))).rejects.toMatchObject({ kind: 'unavailable' }));
      };
    });
    const client = connect({ path: world.socket, allowHalfOpen: true });
    client.write('POST /v1.41/images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: 100\r\n\r\nsome');
    await once(client, 'data');
    client.end();
    await gone;
  });

  test.each([
    ['POST', 'images/load', 'images.load'],
    ['POST', 'images/create?fromSrc=-', 'images.import'],
    ['POST', 'images/create?fromImage=app', 'images.pull'],
    ['PUT', 'containers/web/archive?path=/', 'containers.write-archive'],
    ['GET', 'containers/web/changes', 'containers.changes'],
  ])('what a service that was killed was about to say is not taken for all of it: %s %s', async (method, path, subject) => {
    answers.set(subject, () => endpoint());
    // As the kernel closes it.
    world.serve = (stream) => void stream.on('error', () => undefined).write('[]', () => stream.destroy());
    const client = connect(world.socket);
    client.write(`${method} /v1.41/${path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    let told = '';
    for await (const bytes of client) told += String(bytes);
    expect(told).toMatch(/^images\/(load|.*fromImage)/.test(path) ? /^HTTP\/1.1 200 (?![^]*\r\n0\r\n\r\n$)/ : /^HTTP\/1.1 503 /);
  });

  test.each([
    ['{"status":"sha256:1"}\r\n', 200, '{"status":"sha256:1"}\r\n'],
    ['{"errorDetail":{"message":"no tar"},"error":"no tar"}\r\n', 500, line({ message: 'no tar' })],
  ])('an import that came to %j is answered with %i', async (said, status, body) => {
    answers.set('images.import', () => endpoint());
    world.serve = (stream) => void stream.resume().end(said);
    expect(await http('POST', '/images/create?fromSrc=-')).toMatchObject({ status, text: body });
  });

  test('a tag without a repository names nothing, and archives of no images are asked for', async () => {
    answers.set('images.get', () => ({}));
    expect(await http('POST', '/images/busybox/tag')).toMatchObject({ status: 200, text: '' });
    answers.set('images.save', () => endpoint());
    expect(await http('GET', '/images/get')).toMatchObject({ status: 200 });
    expect(asked.map(({ subject, data }) => [subject, data])).toEqual([['images.get', { image: 'busybox' }], ['images.save', { images: [] }]]);
  });

  test('an archive is one, whatever its type is called', async () => {
    answers.set('images.load', () => endpoint());
    world.serve = (stream) => void Array.fromAsync(toToldEnd(stream.iterator({ destroyOnReturn: false }))).then((got) => stream.resume().end(`got ${got.join('')}`));
    const client = connect(world.socket);
    client.write('POST /v1.41/images/load HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{no JSON}');
    let answer = '';
    for await (const bytes of client) answer += String(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK[^]*got \{no JSON\}/);
  });

  test('images are counted and what they share is summed up where the version has it, and old clients name one by itself', async () => {
    const image = (id: string, layers: string[]) => ({ id, repoTags: [`${id}:latest`], repoDigests: [], createdAt: '2026-01-01T00:00:00Z', sizeBytes: layers.length * 10, config: {}, layers, layerBytes: layers.map(() => 10) });
    answers.set('images.list', () => ({ images: [image('a', ['top', 'base']), image(view.imageId, ['base'])] }));
    const listed = async (path: string) => (JSON.parse((await http('GET', path)).text) as Record<string, unknown>[]).map(({ Id, Containers, SharedSize }) => [Id, Containers, SharedSize]);
    expect(await listed('/v1.51/images/json?shared-size=1')).toEqual([['a', 0, 10], [view.imageId, 1, 10]]);
    expect(await listed('/v1.41/images/json?shared-size=1&filter=a&filters=null')).toEqual([['a', -1, -1], [view.imageId, -1, -1]]);
    expect(await listed('/v1.40/images/json?filter=a')).toEqual([['a', -1, -1]]);
  });

  test('an image name with slashes arrives whole', async () => {
    answers.set('images.get', ({ image }) => {
      throw notFound(`No such image: ${String(image)}`);
    });
    expect((await http('GET', '/v1.51/images/host:5000/a/b:tag/json')).text).toBe(line({ message: 'No such image: host:5000/a/b:tag' }));
  });

  test('who asks is what the kernel says, and a trace goes on', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await http('GET', '/containers/web/json', undefined, { traceparent, 'Berth-Dry-Run': '1', 'Idempotency-Key': 'k1', 'Berth-Actor': 'somebody else', actor: 'somebody else', 'Berth-Correlation-Id': 'theirs' });
    const { context } = asked[0]!;
    expect(context).toMatchObject({ traceparent, dryRun: true, idempotencyKey: 'k1' });
    expect(context.actor).toBe(`uid:${process.getuid?.()} pid:${process.pid}`);
    expect(context.correlationId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each(['two words', '', 'k'.repeat(129)])('the idempotency key %j, which cannot be kept, is refused', async (key) => {
    const { status, text } = await http('POST', '/containers/web/start', undefined, { 'Idempotency-Key': key });
    expect({ status, text }).toEqual({ status: 400, text: line({ message: 'invalid Idempotency-Key: 1 to 128 printable characters of ASCII without blanks' }) });
    expect(asked).toEqual([]);
  });

  test('an answer of nothing to do is 304', async () => {
    answers.set('containers.start', () => ({ changed: false, position: 0 }));
    expect((await http('POST', '/containers/web/start')).status).toBe(304);
    answers.set('containers.start', () => ({ changed: true, position: 2 }));
    expect((await http('POST', '/containers/web/start')).status).toBe(204);
  });
});
