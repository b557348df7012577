"""Building blocks for our own renders in Blender (bpy 5.0), shared by plates, stand-in products and the training set.

Runs only inside the renderer's own environment (see ``models/training/README.md``): bpy, numpy, Pillow, OpenEXR. The
product never imports this package.
"""

import bpy as bpy  # must come before bmesh and mathutils, which exist only once bpy is loaded
