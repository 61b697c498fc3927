"""Tries training by itself: on two ranks as on one, continued as in one piece, in 16 bits, and where something is
wrong."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import torch

from ditas_torch import config, data, random, safetensors, systems

from . import tiny


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Train(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def at(self, *names: str) -> str:
        return os.path.join(self.folder, *names)

    def ranks(self, n: int, *args: str):
        """Trains on n processes, each started as Slurm does, and returns what they ended with."""
        env = {**os.environ, "WORLD_SIZE": str(n), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        started = [
            subprocess.Popen(
                tiny.command(*args),
                cwd=tiny.HERE,
                env={**env, "RANK": str(r)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for r in range(n)
        ]
        for p in started:
            self.addCleanup(p.kill)
        return [(p.communicate(timeout=300)[1], p.returncode) for p in started]

    def test_two_ranks(self):
        # Three examples a step: one rank has two of them.
        for name in ("ditas-m-ed", "deep-steg"):
            with self.subTest(name):
                cfg = tiny.config_file(self.folder, name, batch=3)
                tiny.train("--config", cfg, "--out", self.at(name + ".one"))
                for error, code in self.ranks(2, "--config", cfg, "--out", self.at(name + ".two")):
                    self.assertEqual(code, 0, error)
                one, two = (self.at(name + end, "checkpoint.safetensors") for end in (".one", ".two"))
                self.assertLess(tiny.distance(one, two, "weight/"), 1e-4)
                for a, b in zip(tiny.log(self.at(name + ".one")), tiny.log(self.at(name + ".two"))):
                    self.assertAlmostEqual(a["loss"], b["loss"], delta=1e-4)
                    self.assertAlmostEqual(a["norm"], b["norm"], delta=1e-3 * a["norm"])

    def test_first_step_of_two_ranks(self):
        cfg = tiny.config_file(self.folder, "ditas-m-ed", steps=1)
        tiny.train("--config", cfg, "--out", self.at("one"))
        self.ranks(2, "--config", cfg, "--out", self.at("two"))
        one, two = (self.at(f, "checkpoint.safetensors") for f in ("one", "two"))
        self.assertLess(tiny.distance(one, two, "adam.m/"), 1e-5)

    def test_slurm(self):
        # Its script, with stand-ins for what Slurm starts it with.
        for name, text in {
            "srun": '#!/bin/bash\nSLURM_PROCID=0 "$@" & SLURM_PROCID=1 "$@" & wait -n && wait -n\n',
            "scontrol": "#!/bin/bash\necho 127.0.0.1; echo elsewhere\n",
            "python3": f'#!/bin/bash\nexec {sys.executable} "$@"\n',
        }.items():
            pathlib.Path(self.at(name)).write_text(text)
            os.chmod(self.at(name), 0o755)
        env = {
            **os.environ,
            "PATH": self.folder + os.pathsep + os.environ["PATH"],
            "MASTER_PORT": str(free_port()),
            "DEVICE": "cpu",
            "PYTHONPATH": str(tiny.HERE),
            "SLURM_NTASKS": "2",
            "SLURM_JOB_NODELIST": "a[1-2]",
            "SLURM_CPUS_PER_TASK": "2",
        }
        cfg = tiny.config_file(self.folder, "ditas-m-ed")
        args = [
            "bash",
            str(tiny.HERE / "train.sbatch"),
            "--config",
            cfg,
            "--data",
            tiny.DATA,
            "--threads",
            "1",
            "--out",
            self.at("run"),
        ]
        done = subprocess.run(args, env=env, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(tiny.log(self.at("run"))[-1]["step"], 12)

    def test_too_many_ranks(self):
        cfg = tiny.config_file(self.folder, "plain")
        for error, code in self.ranks(2, "--config", cfg, "--out", self.at("run")):
            self.assertEqual(code, 1)
            self.assertIn("steps of 1 examples for 2 processes", error)

    def test_continues(self):
        for name in tiny.CONFIGS:
            with self.subTest(name):
                cfg = tiny.config_file(self.folder, name)
                tiny.train("--config", cfg, "--out", self.at(name + ".whole"))
                tiny.train("--config", cfg, "--out", self.at(name + ".parts"), "--minutes", "1e-9")
                tiny.train("--out", self.at(name + ".parts"), "--loaders", "1")
                whole, parts = (self.at(name + end, "checkpoint.safetensors") for end in (".whole", ".parts"))
                self.assertEqual(tiny.distance(whole, parts), 0)

    def test_is_interrupted(self):
        cfg = tiny.config_file(self.folder, "ditas-m-ed", steps=100000, validateEvery=100000)
        p = subprocess.Popen(
            tiny.command("--config", cfg, "--out", self.at("run")), cwd=tiny.HERE, stdout=subprocess.PIPE
        )
        log = pathlib.Path(self.at("run", "log.jsonl"))
        while not log.exists() or log.stat().st_size == 0:
            self.assertIsNone(p.poll())
            time.sleep(0.1)
        p.send_signal(signal.SIGINT)
        self.assertIn(b"run the same command again", p.communicate(timeout=60)[0])
        self.assertEqual(p.returncode, 0)
        self.assertTrue(os.path.exists(self.at("run", "checkpoint.safetensors")))

    def test_bf16(self):
        cfg = tiny.config_file(self.folder, "ditas-m-ed", steps=40, batch=8)
        tiny.train("--config", cfg, "--out", self.at("wide"))
        tiny.train("--config", cfg, "--out", self.at("narrow"), "--bf16", "--half")
        wide, narrow = tiny.log(self.at("wide"))[-1], tiny.log(self.at("narrow"))[-1]
        self.assertNotEqual(wide["loss"], narrow["loss"])
        self.assertLess(abs(wide["psnr"][2] - narrow["psnr"][2]), 2)
        self.assertEqual(
            safetensors.read(self.at("narrow", "weights.safetensors"))[0]["hide0.skip.weight"].dtype, torch.float16
        )

    def test_starts_from_weights(self):
        cfg = tiny.config_file(self.folder, "deep-steg")
        tiny.train("--config", cfg, "--out", self.at("first"))
        weights = self.at("first", "weights.safetensors")
        cfg = tiny.config_file(self.folder, "deep-steg", init=weights, steps=1, rate=1e-12, warmup=0)
        tiny.train("--config", cfg, "--out", self.at("second"))
        self.assertLess(tiny.distance(weights, self.at("second", "weights.safetensors")), 1e-6)
        with self.assertRaisesRegex(AssertionError, "another architecture"):
            cfg = tiny.config_file(self.folder, "kreuk", init=weights)
            tiny.train("--config", cfg, "--out", self.at("third"))

    def test_another_run(self):
        tiny.train("--config", tiny.config_file(self.folder, "kreuk", steps=1), "--out", self.at("run"))
        with self.assertRaisesRegex(AssertionError, "another configuration"):
            tiny.train("--config", tiny.config_file(self.folder, "kreuk", steps=2), "--out", self.at("run"))


class Files(unittest.TestCase):
    def test_configurations(self):
        root = tiny.HERE.parent / "configs"
        trained = 0
        for path in sorted(root.rglob("*.json")):
            if path.name not in ("detector.json", "prior.json"):
                systems.build(config.read(str(path))["model"])
                trained += 1
        self.assertGreater(trained, 30)
        for text, error in {
            "{": "training configuration",
            "[]": "one object",
            '{"model": {"name": "nope"}}': "system 'nope'",
            '{"model": {"name": "ditas-m"}, "stepz": 7}': "unknown field 'stepz'",
            '{"model": {"name": "ditas-m"}, "steps": 0}': "at least 1",
            '{"model": {"name": "ditas-m"}, "steps": "7"}': "steps is '7'",
            '{"model": {"name": "ditas-m"}, "thresholds": [2, 1]}': "thresholds",
            '{"model": {"name": "ditas-m", "transform": "none"}}': "containerTarget",
            '{"model": {"name": "ditas-m"}, "rows": 8}': "whole pictures",
            '{"task": "detector"}': "PyTorch trains",
        }.items():
            with self.subTest(text), self.assertRaisesRegex(config.ConfigError, error):
                config.parse(text)

    def test_manifest(self):
        with tempfile.TemporaryDirectory() as folder:
            for split in ("train", "validation"):
                os.symlink(os.path.join(tiny.DATA, split), os.path.join(folder, split))
            text = pathlib.Path(tiny.DATA, "manifest.json").read_text()
            for change, error in {
                ("true", "false"): "not complete",
                ("train/speech/0.wav", "../0.wav"): "cannot be a file",
                ('"sha256": "', '"sha256": "0'): "not what the manifest says",
                ('"kind": "speech"', '"kind": "music"'): "cannot be a file",
            }.items():
                pathlib.Path(folder, "manifest.json").write_text(text.replace(*change))
                with self.subTest(error), self.assertRaisesRegex(data.DataError, error):
                    data.material(folder, "photos", None, None, True)
            pathlib.Path(folder, "manifest.json").write_text(text)
            listed = data.material(folder, "photos", None, None, True)
            found = data.material(None, "photos", folder + "/train/speech", folder + "/train/photos", False)
            for a, b in zip(listed, found):
                self.assertEqual(a.paths, b.paths)
            with self.assertRaisesRegex(data.DataError, "no speech"):
                data.material(None, "photos", folder + "/train/photos", folder + "/train/photos", False)

    def test_safetensors(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x")
            tensors = {
                "b": torch.arange(6.0).view(2, 3),
                "a": torch.tensor([1, 2], dtype=torch.int64),
                "e": torch.empty(0, 3),
                "h": torch.tensor([1.5, -2]).half(),
                "f": torch.tensor([0.1]).bfloat16(),
            }
            safetensors.write(path, tensors, {"k": "ü"})
            read, meta = safetensors.read(path)
            self.assertEqual((meta, sorted(read)), ({"k": "ü"}, sorted(tensors)))
            for name, x in tensors.items():
                self.assertTrue(torch.equal(read[name], x) and read[name].dtype == x.dtype, name)
            whole = pathlib.Path(path).read_bytes()
            for n in (0, 7, 8, 30, len(whole) - 1):
                pathlib.Path(path).write_bytes(whole[:n])
                with self.assertRaises(safetensors.FormatError):
                    safetensors.read(path)
            entry = '{"dtype":"F32","shape":[%s],"data_offsets":[%s]}'
            for header in (
                "[]",
                "{" * 100000,
                '{"a":1}',
                '{"__metadata__":{"a":1}}',
                '{"a":%s,"a":%s}' % (entry % ("1", "0,4"), entry % ("1", "0,4")),
                '{"a":%s}' % entry % ("2", "0,4"),
                '{"a":%s}' % entry % ("-1", "0,4"),
                '{"a":%s}' % entry % ("1.0", "0,4"),
                '{"a":%s}' % entry % ("true", "0,4"),
                '{"a":%s}' % entry % ("1", "1,5"),
                '{"a":%s}' % entry % ("2", "0,8"),
                '{"a":%s}' % entry % ("4611686018427387904,4", "0,0"),
                '{"a":%s}' % (entry % ("1", "0,4")).replace("F32", "F33"),
                '{"a":%s,"b":%s}' % (entry % ("1", "0,4"), entry % ("1", "0,4")),
            ):
                with self.subTest(header[:80]), self.assertRaises(safetensors.FormatError):
                    pathlib.Path(path).write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(4))
                    safetensors.read(path)

    def test_weights(self):
        # Read and written again, a file of the Go program is the same, byte for byte, but for the order of the
        # metadata.
        with tempfile.TemporaryDirectory() as folder:
            for path in sorted((tiny.HERE.parent / "weights" / "photos").glob("*/weights.safetensors")):
                system, meta = systems.load(str(path))
                again = os.path.join(folder, "again")
                systems.save(again, system, half=True, about=meta)
                self.assertEqual(tiny.distance(str(path), again), 0)
                self.assertEqual(safetensors.read(str(path))[1].keys(), safetensors.read(again)[1].keys())
            # A small file that says that it holds something large, and one that holds something else.
            for meta in (
                {},
                {"ditas.config": "[]"},
                {
                    "ditas.config": '{"name":"ditas-m","stages":16,"tile":64,"bands":256,"width":256,'
                    '"depth":32,"amplitude":0.5}'
                },
            ):
                safetensors.write(again, {"x": torch.zeros(3)}, meta)
                with self.assertRaises(ValueError):
                    systems.load(again)

    def test_random(self):
        # What Go 1.25 makes of rand.New(rand.NewPCG(1, 2)).
        rng = random.Random(1, 2)
        self.assertEqual([rng.uint64() for _ in range(3)], [0xC4F5A58656EEF510, 0x9DCEC3AD077DEC6C, 0xC8D04605312F8088])


if __name__ == "__main__":
    unittest.main()
