"""A file of 4 GiB: sizes and offsets beyond 32 bits, at the speed of the machine."""

import os
import shutil
import time
import unittest

from support import MIB, World

SIZE = 4096 * MIB + 12345
MARKS = [0, 1, 2**31 - 3, 2**31 + 5, 2**32 - 2, 2**32 + 3, SIZE - 7]


class Large(World):
    def test_a_sparse_file_of_four_gibibytes_arrives_equal(self):
        if shutil.disk_usage(self.root).free < 2 * SIZE:
            self.skipTest("needs 8 GiB of free disk")
        source = self.nginx.www / "sparse"
        with open(source, "wb") as file:
            for place in MARKS:
                file.seek(place)
                file.write(str(place)[:5].encode())
            file.truncate(SIZE)
        began = time.monotonic()
        job = self.done("get", self.url("sparse"), timeout=240)[0]
        taken = time.monotonic() - began
        self.assertEqual(job["bytes_received"], SIZE)
        target = self.folder / "sparse"
        self.assertEqual(target.stat().st_size, SIZE)
        with open(source, "rb") as left, open(target, "rb") as right:
            while block := left.read(4 * MIB):
                self.assertTrue(block == right.read(4 * MIB), f"different before {left.tell()}")
        os.unlink(target)
        print(f"4 GiB: {taken:.1f} s, {SIZE / MIB / taken:.0f} MiB/s")
        self.assertLess(taken, 60)


if __name__ == "__main__":
    unittest.main()
