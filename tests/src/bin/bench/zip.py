"""Makes a zip of NAME=FILE and of whole Python packages with the libpq that they are linked to."""

import importlib.metadata
import re
import subprocess
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for part in sys.argv[2:]:
        name, _, file = part.partition("=")
        if file:
            archive.write(file, name)
            continue
        for file in importlib.metadata.files(name):
            if ".dist-info" in str(file) or file.suffix == ".pyc":
                continue
            archive.write(file.locate(), str(file))
            if file.suffix == ".so":
                linked = subprocess.run(["ldd", file.locate()], capture_output=True, text=True, check=True)
                for library in re.findall(r"(libpq\S+) => (\S+)", linked.stdout):
                    archive.write(library[1], "lib/" + library[0])
