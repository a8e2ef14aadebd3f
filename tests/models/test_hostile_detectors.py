"""Detector files made to harm: what a pickle or an archive could do beside running something."""

import io
import json
import os
import pickle
import pickletools
import re
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from puclassify.models import load_topaz_model

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).parent / "data"
GIGABYTE = 1 << 30
MEMORY = 300 << 20  # beyond what the libraries have; the files are larger


def archive(path, data, **more):
    """Make a file as torch.save does, of a pickle and other entries."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a/data.pkl", data)
        for name, content in more.items():
            file.writestr(name, content)
    return path


def refuses(path, match=None):
    with pytest.raises(ValueError, match=match) as raised:
        load_topaz_model(path, 40)
    assert str(path) in str(raised.value)


def of_opcodes(*parts):
    return b"\x80\x02" + b"".join(parts) + b"."


class TestNamesOfFunctions:
    """A pickle calls what it names; here names are looked up in a list, at any depth."""

    @pytest.mark.parametrize(
        "name",
        [
            *("os system", "posix system", "builtins eval", "builtins exec", "__builtin__ eval"),
            *("builtins getattr", "builtins __import__", "operator attrgetter", "os.path os"),
            *("torch load", "torch.hub load", "torch._utils os", "torch.serialization os"),
            *("numpy loadtxt", "pickle loads", "functools partial", "subprocess Popen"),
            *("torch._utils _rebuild_tensor_v2.__globals__", "collections OrderedDict.__init__"),
            *("topaz os", "topaz.__builtins__ eval", "torch.nn.modules.module torch.os.system"),
        ],
    )
    @pytest.mark.parametrize("protocol", [2, 4])
    def test_are_refused_or_names(self, tmp_path, name, protocol):
        """Those of that program and of torch's layers stand for objects without behaviour."""
        target = tmp_path / "exploded"
        module, function = name.split()
        named = f"c{module}\n{function}\n".encode()
        if protocol == 4:
            texts = [b"\x8c" + bytes([len(one)]) + one.encode() for one in (module, function)]
            named = b"".join(texts) + b"\x93"
        argument = f"__import__('os').mkdir({str(target)!r})".encode()
        call = named + b"X" + len(argument).to_bytes(4, "little") + argument + b"\x85R"
        for data in (call, b"}X\x01\0\0\0a" + call + b"s", b"(" + call * 3 + b"l"):
            archive(tmp_path / "a.sav", of_opcodes(data))
            refuses(tmp_path / "a.sav")
        assert not target.exists()

    def test_results_of_calls_are_not_called(self, tmp_path):
        """``getattr(getattr(x, "a"), "b")()`` needs a reduce of what a reduce returned."""
        call = b"cbuiltins\nset\n]\x85R"
        archive(tmp_path / "a.sav", of_opcodes(call + b")R"))
        refuses(tmp_path / "a.sav", "not callable")

    def test_states_of_stand_ins_run_nothing(self, tmp_path):
        target = tmp_path / "exploded"
        state = pickle.dumps({"__class__": 1, "__reduce__": [str(target)]}, 2)[2:-1]
        data = of_opcodes(b"ctopaz.model\nX\n)\x81" + state + b"b")
        archive(tmp_path / "a.sav", data)
        refuses(tmp_path / "a.sav")
        assert not target.exists()

    @pytest.mark.parametrize("code", ["EXT1", "INST", "OBJ", "PERSID", "NEWOBJ_EX", "NEXT_BUFFER"])
    def test_opcodes_that_no_network_needs(self, tmp_path, code):
        byte = next(one.code for one in pickletools.opcodes if one.name == code).encode("latin-1")
        archive(tmp_path / "a.sav", of_opcodes(b"(]" + byte + b"os\nsystem\n" + b"\0" * 9))
        refuses(tmp_path / "a.sav", code)


class TestTime:
    """Few bytes of a pickle can describe what takes a lifetime to walk, hash or print."""

    NESTED = b"K\x01K\x01\x86" + b"2\x86" * 60  # a pair of a pair ..., of which each is the same

    @pytest.mark.parametrize(
        "around",
        [b"}%sK\x01s", b"}(%sK\x01u", b"(%sK\x01d", b"cbuiltins\nset\n(%sl\x85R"],
        ids=["setitem", "setitems", "dict", "set"],
    )
    def test_keys_are_simple(self, tmp_path, around):
        archive(tmp_path / "a.sav", of_opcodes(around % self.NESTED))
        refuses(tmp_path / "a.sav", "tuple as a key")

    def test_in_sets_of_protocol_4(self, tmp_path):
        data = b"\x80\x04\x8f(" + self.NESTED + b"\x90."
        archive(tmp_path / "a.sav", data)
        refuses(tmp_path / "a.sav", "tuple as a key")

    @pytest.mark.parametrize("data", [b"%s", b"]%sa", b"}K\x01%ss", b"}X\x01\0\0\0a%ss"])
    def test_as_values(self, tmp_path, data):
        archive(tmp_path / "a.sav", of_opcodes(data % self.NESTED))
        refuses(tmp_path / "a.sav")

    def test_as_an_attribute_of_a_convolution(self, tmp_path):
        """The text of its attributes is compared with that of our network."""
        with zipfile.ZipFile(DATA / "topaz_conv31_plain_module.sav") as file:
            entries = {name: file.read(name) for name in file.namelist()}
        (name,) = [name for name in entries if name.endswith("data.pkl")]
        found = re.search(rb"X\x08\x00\x00\x00dilation(?:q.|r....)", entries[name], re.DOTALL)
        assert entries[name][found.end() :].startswith(b"K\x01K\x01\x86")
        changed = entries[name][found.end() + 5 :]
        entries[name] = entries[name][: found.end()] + self.NESTED + changed
        with zipfile.ZipFile(tmp_path / "a.sav", "w") as file:
            for entry, content in entries.items():
                file.writestr(entry, content)
        refuses(tmp_path / "a.sav", "other strides, dilations")

    def test_layers_are_in_one_place(self, tmp_path):
        """Forty layers that each hold the next one twice would be 10**12."""
        data = b"ctopaz.model\nX\n)\x81"
        for _ in range(40):
            children = b"}(X\x01\0\0\0aq\x05%sX\x01\0\0\0bh\x06u"
            made = b"ctopaz.model\nX\n)\x81}X\x08\0\0\0_modules" + children % (b"h\x07") + b"sb"
            data += b"q\x070" + made.replace(b"h\x06", b"h\x07")
        archive(tmp_path / "a.sav", of_opcodes(data))
        refuses(tmp_path / "a.sav", "is in two places")

    def test_layers_in_layers(self, tmp_path):
        data = b"ctopaz.model\nX\n)\x81"
        for _ in range(3000):
            made = b"ctopaz.model\nX\n)\x81}X\x08\0\0\0_modules}X\x01\0\0\0ah\x07ssb"
            data += b"q\x070" + made
        archive(tmp_path / "a.sav", of_opcodes(data))
        refuses(tmp_path / "a.sav", "nested too deep")


class TestMemory:
    def test_tensors_that_share_their_values(self, tmp_path):
        values = torch.zeros(10**5)
        weights = OrderedDict((f"features.features.0.x{i}", values[i:]) for i in range(300))
        torch.save(weights, tmp_path / "a.sav")
        assert (tmp_path / "a.sav").stat().st_size < 10**6
        refuses(tmp_path / "a.sav", "more values than the file")

    @pytest.mark.parametrize("length", [2**31, 2**40, 2**62, 10**30])
    def test_storages_that_are_not_there(self, tmp_path, length):
        number = pickle.dumps(length, 2)[2:-1]
        pid = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0" + b"0X\x03\0\0\0cpu"
        data = of_opcodes(b"ctorch._utils\n_rebuild_tensor_v2\n(" + pid + number + b"tQ")
        tail = b"K\0" + number + b"\x85K\x01\x85\x89}tR."
        archive(tmp_path / "a.sav", data[:-1] + tail, **{"a/data/0": b"\0" * 64})
        refuses(tmp_path / "a.sav")

    @pytest.mark.parametrize("head", [b"X\xff\xff\xff\x7f", b"\x8d" + b"\xff" * 7 + b"\x7f"])
    def test_texts_that_are_not_there(self, tmp_path, head):
        archive(tmp_path / "a.sav", b"\x80\x04" + head + b"abc.")
        refuses(tmp_path / "a.sav")
        (tmp_path / "b.sav").write_bytes(b"\x80\x04" + head + b"abc.")
        refuses(tmp_path / "b.sav")

    def test_places_to_keep_objects_in(self, tmp_path):
        """The unpickler in C makes room for as many objects as the number of the place."""
        archive(tmp_path / "a.sav", of_opcodes(b"Nr\xff\xff\xff\x7f"))
        refuses(tmp_path / "a.sav", "NoneType")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the memory are those of Linux")
def test_gigabytes(tmp_path):
    """Files of a gigabyte that take no room on the disk, read by a process with less memory."""
    starts = {
        "zeros": b"",
        "marks": b"\x80\x02" + b"(" * 2_000_000,
        "text": b"\x80\x02X\xff\xff\xff\x3f",
        "magic": pickle.dumps(0x1950A86A20F9469CFC6C, 2) + b"\x80\x02" + b"0" * 2_000_000,
        "header": (10**6).to_bytes(8, "little") + b'{"a":' * 200_000,
        "long header": (2**29).to_bytes(8, "little") + b'{"a":',
    }
    paths = []
    for name, start in starts.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(start)
        os.truncate(paths[-1], GIGABYTE)
    for name, size in (("pickle.sav", 2**28 - 10**4), ("directory.sav", 2**28 - 10**4)):
        paths.append(tmp_path / name)
        with zipfile.ZipFile(paths[-1], "w") as file, file.open("a/data.pkl", "w") as entry:
            entry.write(b"\x80\x02" + b"(" * 2**21)
        if name == "directory.sav":  # its directory seems to begin with the file
            data = bytearray(paths[-1].read_bytes())
            end = data.rindex(b"PK\x05\x06")
            paths[-1].write_bytes(b"")
            os.truncate(paths[-1], size)
            data[end + 12 : end + 20] = size.to_bytes(4, "little") + b"\0" * 4
            with open(paths[-1], "ab") as raw:
                raw.write(data[end:])
    code = """
import json, resource, sys
from puclassify import load_model, load_topaz_model
from puclassify.models import model_info
memory = int(sys.argv[1])
(used,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmData")]
limit = int(used) * 1024 + memory  # without files that are mapped
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
found = []
for path in sys.argv[2:]:
    for read in (load_model, model_info, lambda path: load_topaz_model(path, 40)):
        try:
            read(path)
            found.append([path, "it was read"])
        except ValueError as error:
            found.append([path, f"refused: {error!s:.500}"])
        except BaseException as error:
            found.append([path, f"not refused but {error!r:.500}"])
print(json.dumps(found))
"""
    command = [sys.executable, "-W", "ignore", "-c", code, str(MEMORY), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert len(found) == 3 * len(paths)
    for path, message in found:
        assert message.startswith("refused: "), (path, message)
        assert path in message


class TestArchives:
    @pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "..\\evil", "a/data/.."])
    def test_names_that_lead_out(self, tmp_path, name):
        (tmp_path / "in").mkdir()
        archive(tmp_path / "in" / "a.sav", pickle.dumps({}, 2), **{name: b"x"})
        refuses(tmp_path / "in" / "a.sav", "leads out of it")
        assert [one.name for one in tmp_path.iterdir()] == ["in"]
        assert [one.name for one in (tmp_path / "in").iterdir()] == ["a.sav"]

    def test_nothing_is_unpacked(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        load_topaz_model(DATA / "topaz_conv31_plain_module.sav", 40)
        assert list(tmp_path.iterdir()) == []

    def test_bombs(self, tmp_path):
        """A megabyte of zeros packed a thousandfold, and an entry that is in there many times."""
        with zipfile.ZipFile(tmp_path / "a.sav", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("a/data.pkl", b"\0" * 10**6)
        refuses(tmp_path / "a.sav", "compressed")
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as file:
            file.writestr("a/data.pkl", pickle.dumps({}, 2))
            file.writestr("a/data/0", b"\0" * 10**5)
            first = file.infolist()[1]
            for number in range(1, 400):
                again = zipfile.ZipInfo(f"a/data/{number}")
                again.header_offset, again.file_size = first.header_offset, first.file_size
                again.compress_size, again.CRC = first.compress_size, first.CRC
                file.filelist.append(again)
                file.NameToInfo[again.filename] = again
            file._didModify = True
        (tmp_path / "b.sav").write_bytes(content.getvalue())
        refuses(tmp_path / "b.sav", "holds more than the file")
