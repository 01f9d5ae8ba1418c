"""What users of docker-py do. `docker_py.py` lists the cases by their docstrings, one a line; with such a line as its argument it runs that case."""

import io
import itertools
import sys
import tarfile
import threading
import time

import docker
import requests
from docker.types import LogConfig, Mount, RestartPolicy, Ulimit

CASES = {}


def case(function):
    CASES[function.__doc__] = function
    return function


def raises(kind, call, text):
    try:
        call()
    except kind as error:
        assert text in str(error), f"{text!r} is not in {error}"
        return error
    raise AssertionError(f"no {kind.__name__}")


@case
def runs(client):
    """run gives the output of a command, and an error with its exit code and its last words"""
    assert client.containers.run("busybox", "echo said", remove=True) == b"said\n"
    assert client.containers.run("busybox", ["sh", "-c", "echo out; echo err >&2"], stdout=True, stderr=True, remove=True) in (b"out\nerr\n", b"err\nout\n")
    error = raises(docker.errors.ContainerError, lambda: client.containers.run("busybox", ["sh", "-c", "echo why >&2; exit 3"], remove=True), "why")
    assert error.exit_status == 3
    raises(docker.errors.APIError, lambda: client.containers.run("busybox", "no-such-program", remove=True), "no-such-program")
    (left,) = client.containers.list(all=True)  # docker-py removes what has run
    assert left.status == "created" and left.attrs["State"]["ExitCode"] == 127


@case
def misses(client):
    """what is not there is NotFound, and what cannot be is a conflict"""
    raises(docker.errors.NotFound, lambda: client.containers.get("nobody"), "No such container: nobody")
    raises(docker.errors.ImageNotFound, lambda: client.images.get("nothing:1"), "nothing")
    raises(docker.errors.NotFound, lambda: client.volumes.get("none"), "none")
    client.containers.create("busybox", "true", name="twice")
    error = raises(docker.errors.APIError, lambda: client.containers.create("busybox", "true", name="twice"), "already in use")
    assert error.status_code == 409 and error.is_client_error()


@case
def configures(client):
    """options arrive, and are read back as attributes"""
    container = client.containers.run(
        "busybox", ["sleep", "60"], detach=True, name="configured", hostname="harbour", environment={"A": "1", "B": "two words"}, labels={"tier": "db"},
        mem_limit="64m", nano_cpus=500_000_000, pids_limit=50, ulimits=[Ulimit(name="nofile", soft=64, hard=128)], cap_drop=["ALL"], cap_add=["CHOWN"],
        tmpfs={"/scratch": "size=1m"}, working_dir="/tmp", user="1000:1000", read_only=True, init=True, dns=["192.0.2.1"], extra_hosts={"lighthouse": "192.0.2.7"},
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 2}, log_config=LogConfig(type="json-file", config={"max-size": "1m"}), network_mode="none",
        security_opt=["no-new-privileges"], shm_size="8m", stop_signal="SIGINT", sysctls={"net.ipv4.ip_forward": "1"})
    host = container.attrs["HostConfig"]
    assert host["Memory"] == 64 << 20 and host["NanoCpus"] == 500_000_000 and host["PidsLimit"] == 50 and host["ReadonlyRootfs"]
    assert container.labels == {"tier": "db"} and container.name == "configured" and container.status == "created"
    container.reload()
    assert container.status == "running" and container.image.tags == ["busybox:latest"]
    script = "hostname; echo $A $B; ulimit -n; pwd; id -u; grep -c lighthouse /etc/hosts; cat /proc/sys/net/ipv4/ip_forward"
    assert container.exec_run(["sh", "-c", script]).output == b"harbour\n1 two words\n64\n/tmp\n1000\n1\n1\n"
    assert [one.name for one in client.containers.list(filters={"label": "tier=db"})] == ["configured"]
    container.update(mem_limit="96m", memswap_limit="192m")
    container.rename("renamed")
    container.reload()
    assert container.name == "renamed" and container.attrs["HostConfig"]["Memory"] == 96 << 20


@case
def logs(client):
    """logs come whole, by lines while they are written, with tail, since and timestamps, and apart"""
    container = client.containers.run("busybox", ["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.1; done; echo wrong >&2"], detach=True)
    assert [line for line in container.logs(stream=True, follow=True, stderr=False)] and container.wait()["StatusCode"] == 0
    assert container.logs(stderr=False) == b"line 1\nline 2\nline 3\n"
    assert container.logs(stdout=False) == b"wrong\n"
    assert container.logs(tail=2, stderr=False) in (b"line 3\n", b"line 2\nline 3\n")
    stamped = container.logs(timestamps=True, tail=1).decode()
    assert stamped.split(" ", 1)[1] == "wrong\n" and stamped[10] == "T"
    assert container.logs(since=int(time.time()) + 60) == b""
    assert container.logs(until=int(time.time()) + 60, stderr=False).count(b"\n") == 3


@case
def executes(client):
    """exec: exit code and output, streams apart, a stream, a socket with input, and what it cannot find"""
    container = client.containers.run("busybox", ["sleep", "60"], detach=True)
    assert container.exec_run("sh -c 'echo here; exit 7'") == (7, b"here\n")
    assert container.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True).output == (b"out\n", b"err\n")
    assert b"".join(container.exec_run(["sh", "-c", "echo a; echo b"], stream=True).output) == b"a\nb\n"
    assert container.exec_run("env", environment={"X": "y"}, workdir="/tmp", user="nobody").output.count(b"X=y") == 1
    assert container.exec_run("no-such").exit_code == 127 and b"executable file not found" in container.exec_run("no-such").output
    opened = client.api.exec_create(container.id, ["cat"], stdin=True)
    connection = client.api.exec_start(opened["Id"], socket=True)
    connection._sock.sendall(b"ping\n")
    assert connection.read(13)[8:] == b"ping\n"
    connection._sock.close()
    connection.close()
    assert container.exec_run("tty", tty=True).output.startswith(b"/dev/pts/")
    opened = client.api.exec_create(container.id, ["sleep", "0.2"])
    client.api.exec_start(opened["Id"], detach=True)
    assert client.api.exec_inspect(opened["Id"])["ProcessConfig"]["entrypoint"] == "sleep"
    container.remove(force=True)


@case
def attaches(client):
    """attach sends input to a container and takes its output, and resizes its terminal"""
    container = client.containers.create("busybox", ["sh", "-c", "read line; echo got $line"], stdin_open=True)
    connection = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    connection._sock.sendall(b"cargo\n")
    assert connection.read(8 + 10)[8:] == b"got cargo\n"
    connection._sock.close()
    connection.close()
    assert container.wait()["StatusCode"] == 0
    # docker-py loses what it reads in one piece with the header of the answer.
    assert all(container.attach(logs=True, stream=False) == b"got cargo\n" for _ in range(40))
    terminal = client.containers.run("busybox", ["sh"], tty=True, stdin_open=True, detach=True)
    terminal.resize(33, 100)
    assert terminal.exec_run(["stty", "-F", "/dev/pts/0", "size"]).output == b"33 100\n"
    terminal.kill()


@case
def waits(client):
    """wait: the exit code, a time that runs out, a condition, and a removed container"""
    container = client.containers.run("busybox", ["sh", "-c", "sleep 0.3; exit 5"], detach=True)
    raises((requests.exceptions.ConnectionError, requests.exceptions.ReadTimeout), lambda: container.wait(timeout=0.05), "")
    assert container.wait()["StatusCode"] == 5
    assert container.wait(condition="not-running")["StatusCode"] == 5
    container.remove()
    gone = client.containers.run("busybox", ["sh", "-c", "sleep 0.3; exit 4"], detach=True, auto_remove=True)
    assert gone.wait(condition="removed")["StatusCode"] == 4
    raises(docker.errors.NotFound, gone.reload, "No such container")


@case
def lives(client):
    """stop, kill, pause and restart change the status"""
    container = client.containers.run("busybox", ["sh", "-c", "trap 'exit 9' TERM; echo trapped; while :; do sleep 0.05; done"], detach=True)

    def status():
        container.reload()
        return container.status

    container.pause()
    assert status() == "paused"
    container.unpause()
    assert status() == "running"
    pid = container.attrs["State"]["Pid"]
    container.restart(timeout=5)
    assert status() == "running" and container.attrs["State"]["Pid"] != pid
    lines = container.logs(stream=True, follow=True)
    assert b"".join(itertools.islice(lines, 2)) == b"trapped\n" * 2
    container.stop(timeout=5)
    assert status() == "exited" and container.attrs["State"]["ExitCode"] == 9
    container.start()
    container.kill(signal="SIGKILL")
    assert container.wait()["StatusCode"] == 137
    raises(docker.errors.APIError, container.kill, "is not running")


@case
def copies(client):
    """put_archive and get_archive bring files in and out, of a running container and of one that does not run"""
    for container in (client.containers.create("busybox", ["true"]), client.containers.run("busybox", ["sleep", "60"], detach=True)):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, content in (("letter", b"dear\n"), ("box/inner", b"x" * 300_000)):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o640
                archive.addfile(entry, io.BytesIO(content))
        assert container.put_archive("/tmp", packed.getvalue())
        stream, stat = container.get_archive("/tmp/box")
        assert stat["name"] == "box" and stat["size"] > 0
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            assert archive.getnames() == ["box", "box/inner"] and archive.extractfile("box/inner").read() == b"x" * 300_000
        raises(docker.errors.NotFound, lambda: container.get_archive("/no/such"), "no")
    assert container.exec_run("cat /tmp/letter").output == b"dear\n"
    assert b"".join(container.export())[:1] != b""


@case
def observes(client):
    """stats, top and events tell of a container while it runs"""
    since = int(time.time())
    container = client.containers.run("busybox", ["sleep", "60"], detach=True, name="seen", labels={"watched": "yes"})
    once = container.stats(stream=False)
    assert once["pids_stats"]["current"] == 1 and once["memory_stats"]["usage"] > 0 and "cpu_usage" in once["cpu_stats"]
    samples = container.stats(stream=True, decode=True)
    assert next(samples)["name"] == "/seen" and next(samples)["cpu_stats"]["cpu_usage"]["total_usage"] > 0
    samples.close()
    top = container.top(ps_args="-o pid,args")
    assert top["Titles"] == ["PID", "COMMAND"] and [process[1] for process in top["Processes"]] == ["sleep 60"]

    events = client.events(decode=True, since=since, filters={"container": "seen"})
    ender = threading.Timer(0.2, container.kill)
    ender.start()
    seen = []
    for event in events:
        seen.append(event["Action"])
        assert event["Actor"]["Attributes"]["watched"] == "yes"
        if event["Action"] == "die":
            break
    events.close()
    ender.join()
    assert seen == ["create", "start", "top", "kill", "die"], seen


@case
def keeps_volumes(client):
    """volumes are created, mounted, listed by label, in use, and removed"""
    volume = client.volumes.create("cargo", labels={"kind": "test"})
    client.containers.run("busybox", "touch /data/kept", volumes={"cargo": {"bind": "/data", "mode": "rw"}}, remove=True)
    keeper = client.containers.run("busybox", ["sleep", "60"], mounts=[Mount("/look", "cargo", read_only=True)], detach=True)
    assert keeper.exec_run("ls /look").output == b"kept\n"
    assert keeper.exec_run("touch /look/more").exit_code == 1
    assert [one.name for one in client.volumes.list(filters={"label": "kind=test"})] == ["cargo"]
    raises(docker.errors.APIError, volume.remove, "in use")
    keeper.remove(force=True)
    volume.remove()
    assert client.volumes.list() == []


@case
def handles_images(client):
    """images are listed, tagged, saved, loaded, and have a history"""
    image = client.images.get("busybox")
    assert "busybox:latest" in image.tags and image.attrs["Os"] == "linux"
    assert image.tag("harbour/busybox", tag="2")
    assert len(client.images.list(name="harbour/busybox")) == 1 and image.history()[0]["Id"]
    saved = b"".join(client.images.get("harbour/busybox:2").save(named="harbour/busybox:2"))
    client.images.remove("harbour/busybox:2")
    raises(docker.errors.ImageNotFound, lambda: client.images.get("harbour/busybox:2"), "harbour/busybox")
    assert client.images.load(saved)[0].id == image.id
    assert client.images.get("harbour/busybox:2").id == image.id
    client.images.remove("harbour/busybox:2")


@case
def listens(client):
    """a published port is told and answers; a network has the container in it"""
    server = client.containers.run("busybox", ["sh", "-c", "echo hello > /tmp/index.html; exec httpd -f -p 80 -h /tmp"], ports={"80/tcp": ("127.0.0.1", None)}, detach=True)
    server.reload()
    (binding,) = server.ports["80/tcp"]
    for _ in range(100):
        try:
            answer = requests.get(f"http://127.0.0.1:{binding['HostPort']}/", timeout=1)
            break
        except requests.exceptions.ConnectionError:
            time.sleep(0.02)
    assert answer.text == "hello\n"
    bridge = client.networks.get("bridge")
    assert [one.id for one in bridge.containers] == [server.id]
    assert {network.name for network in client.networks.list()} >= {"bridge", "host", "none"}


@case
def prunes(client):
    """what is over is pruned, and the daemon tells of itself"""
    client.containers.run("busybox", "true")
    running = client.containers.run("busybox", ["sleep", "60"], detach=True)
    client.api.create_volume()
    assert len(client.containers.prune()["ContainersDeleted"]) == 1
    assert len(client.volumes.prune()["VolumesDeleted"]) == 1
    assert [one.id for one in client.containers.list(all=True)] == [running.id]
    assert client.images.prune()["SpaceReclaimed"] == 0
    assert client.ping() and client.info()["ContainersRunning"] == 1 and client.version()["Os"] == "linux"
    assert {"Images", "Containers", "Volumes"} <= client.df().keys()


def main():
    if len(sys.argv) == 1:
        print("\n".join(CASES))
        return
    client = docker.from_env(timeout=20)
    try:
        CASES[sys.argv[1]](client)
    finally:
        for container in client.containers.list(all=True):
            container.remove(force=True, v=True)
        for volume in client.volumes.list():
            volume.remove(force=True)
        client.close()


main()
