"""Tries both programs on the same runs: they come to the same, continue each other's, and one reveals what the other
hid.

Needs Go, or DITAS, the path of the program; it is left out where there is neither.
"""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from ditas_torch import safetensors

from . import tiny

ROOT = tiny.HERE.parent


class Go(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.dir.cleanup)
        cls.program = os.environ.get("DITAS")
        if cls.program is None:
            if shutil.which("go") is None:
                raise unittest.SkipTest("neither Go nor DITAS is here")
            cls.program = os.path.join(cls.dir.name, "ditas")
            subprocess.run(["go", "build", "-o", cls.program, "./cmd/ditas"], cwd=ROOT, check=True)

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=self.dir.name)

    def at(self, *names: str) -> str:
        return os.path.join(self.folder, *names)

    def go(self, *args: str) -> str:
        done = subprocess.run([self.program, *args], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def go_train(self, *args: str) -> None:
        self.go("train", "-q", "--data", tiny.DATA, *args)

    def same(self, a: str, b: str):
        """Compares weights in training, and their averages. Where a gradient is next to nothing its rounding counts,
        because Adam divides by its size."""
        a, b = self.at(a, "checkpoint.safetensors"), self.at(b, "checkpoint.safetensors")
        for part in ("weight/", "average/"):
            self.assertLess(tiny.distance(a, b, part), 1e-3, part)

    def test_runs(self):
        for name in tiny.CONFIGS:
            with self.subTest(name):
                cfg = tiny.config_file(self.folder, name)
                self.go_train("--config", cfg, "--out", self.at(name + ".go"))
                tiny.train("--config", cfg, "--out", self.at(name + ".py"))
                self.same(name + ".go", name + ".py")
                for theirs, ours in zip(tiny.log(self.at(name + ".go")), tiny.log(self.at(name + ".py"))):
                    self.assertEqual(theirs["step"], ours["step"])
                    self.assertAlmostEqual(theirs["loss"], ours["loss"], delta=1e-3 * abs(theirs["loss"]))

    def test_continues(self):
        for name in ("ditas-m-ed", "plain", "kreuk"):
            with self.subTest(name):
                cfg = tiny.config_file(self.folder, name)
                whole, started = name + ".whole", name + ".started"
                self.go_train("--config", cfg, "--out", self.at(whole))
                for first, then in ((self.go_train, tiny.train), (tiny.train, self.go_train)):
                    shutil.rmtree(self.at(started), ignore_errors=True)
                    step = 0
                    while step == 0:
                        # So little time is over after a step or two, or, on a machine that is busy, before the first.
                        first("--config", cfg, "--out", self.at(started), "--minutes", "1e-4")
                        step = int(safetensors.read(self.at(started, "checkpoint.safetensors"))[1]["ditas.step"])
                    self.assertLess(step, 12)
                    then("--out", self.at(started))
                    self.same(whole, started)
                    self.assertEqual(tiny.log(self.at(started))[-1]["step"], 12)

    def test_reveals(self):
        cfg = tiny.config_file(self.folder, "ditas-m-ed", steps=80, batch=8)
        tiny.train("--config", cfg, "--out", self.at("run"))
        picture = os.path.join(tiny.DATA, "validation", "photos", "0.png")
        networks = ("--method", "ditas-m-ed", "--weights", self.at("run", "weights.safetensors"))
        self.go("demo", "-q")
        self.go("hide", "-q", *networks, picture, "demo-cover.wav", "-o", "stego.wav")
        self.go("reveal", "-q", *networks, "stego.wav", "-o", "revealed.png")
        found = json.loads(self.go("compare", "--json", picture, "revealed.png"))
        self.assertGreater(found["psnr"], 18, found)


if __name__ == "__main__":
    unittest.main()
