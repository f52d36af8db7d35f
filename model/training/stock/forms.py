"""Other forms of words that captions have, which are read as those: a user writes "a balloon" of what captions call "balloons"."""

FORMS = {
    # One of what captions have many of, or many of what they have one of.
    "aurora": "auroras", "balloons": "balloon", "ball": "balls", "beam": "beams", "box": "boxes", "circles": "circle",
    "cube": "cubes", "daisy": "daisies", "embers": "ember", "fire": "fires", "flakes": "flake", "flames": "flame", "flower": "flowers",
    "gradient": "gradients", "grid": "grids", "hexagons": "hexagon", "leaves": "leaf", "lines": "line", "mist": "mists",
    "ocean": "oceans", "particles": "particle", "pattern": "patterns", "pieces": "piece", "pond": "ponds", "rays": "ray",
    "ripples": "ripple", "rings": "ring", "sea": "seas", "shapes": "shape", "sky": "skies", "snowflakes": "snowflake",
    "sparks": "spark", "squares": "square", "starfield": "starfields", "stars": "star", "stripes": "stripe", "sunflower": "sunflowers",
    "tones": "tone",
    "triangles": "triangle", "tulip": "tulips", "waves": "wave", "wisps": "wisp",
    # Other spellings.
    "centre": "center", "colour": "color colors colours", "travelling": "traveling", "forward": "forwards",
    # Other forms of what things do.
    "blazes": "blaze", "billows": "billow", "blooms": "bloom", "blows": "blow", "bounces": "bounce", "comes": "come",
    "creeps": "creep", "crosses": "cross crossing", "dances": "dance", "drifts": "drift", "falls": "fall", "flickers": "flicker",
    "flies": "fly", "floats": "float", "flows": "flow", "glides": "glide", "glows": "glow", "goes": "go", "grows": "grow",
    "moves": "move", "passes": "pass", "pours": "pour", "pulses": "pulse", "pushes": "pushing", "rises": "rise", "rolls": "roll",
    "rushes": "rush", "scrolls": "scroll", "shimmers": "shimmer", "sinks": "sink", "slides": "slide", "spins": "spin",
    "spreads": "spread", "streams": "stream", "sweeps": "sweep", "travels": "travel", "tumbles": "tumble", "turns": "turn",
}
