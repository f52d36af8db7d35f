"""Which clips are drawn, and the many ways to ask for each.

An ask gives a value for each attribute of an element, and for camera and look. A caption says some of them: what is not
natural always, what is natural now and then, so that what a prompt leaves out comes out as people expect it.
"""

import itertools
import re
import zlib

import numpy as np

from .camera import CAMERAS, LOOKS
from .forms import FORMS
from .library import ELEMENTS

COLOUR_WORDS = {
    "red": ("red", "red", "crimson", "scarlet"), "orange": ("orange", "orange", "amber"),
    "yellow": ("yellow",), "green": ("green", "green", "emerald"), "cyan": ("cyan", "turquoise", "teal"),
    "blue": ("blue", "blue", "azure"), "purple": ("purple", "purple", "violet"), "pink": ("pink", "pink", "magenta"),
    "white": ("white",), "grey": ("grey", "gray"), "black": ("black",), "brown": ("brown",),
    "gold": ("gold", "golden"),
}
DIRECTION_WORDS = {
    "left": ("left", "to the left", "from right to left", "leftwards", "towards the left"),
    "right": ("right", "to the right", "from left to right", "rightwards", "towards the right"),
    "up": ("up", "upwards", "upward", "to the top"),
    "down": ("down", "downwards", "downward", "to the bottom"),
    "toward": ("toward the camera", "towards us", "toward the viewer", "forward"),
    "outward": ("outward", "outwards", "out from the centre"),
    "inward": ("inward", "inwards", "into the centre"),
}
SPEED_WORDS = {
    "slow": ("slowly", "slow", "gently", "in slow motion"), "medium": ("steadily", "at medium speed"),
    "fast": ("fast", "quickly", "rapidly", "at high speed"),
}
DENSITY_WORDS = {
    "sparse": ("sparse", "light", "thin"), "medium": ("medium", "moderate"), "dense": ("dense", "thick", "heavy"),
}
SIZE_WORDS = {
    "small": ("small", "little", "tiny"), "medium": ("medium-sized",), "large": ("large", "big", "huge"),
}
TIME_WORDS = {
    "dawn": ("at dawn", "at sunrise", "in the early morning"), "day": ("by day", "at noon", "in daylight"),
    "dusk": ("at dusk", "at sunset", "in the evening"), "night": ("at night", "by night", "after dark"),
}
CAMERA_WORDS = {
    "still": ("static camera", "still camera", "locked-off shot"),
    "pan left": ("camera pans left", "pan left", "panning left"),
    "pan right": ("camera pans right", "pan right", "panning right"),
    "push in": ("camera pushes in", "push-in", "zoom in", "dolly in"),
}
LOOK_WORDS = {
    "normal": ("", ""), "stop motion": ("stop motion", "stop-motion animation"),
    "step printed": ("step-printed", "step printing"), "warm": ("warm look", "warm tones", "warm"),
}
# What a prompt may ask for and the plugin does after the model: to the model it says nothing.
AFTER_WORDS = ("35mm grain", "35 mm grain", "film grain", "on twos", "on threes")
OPENINGS = ("", "", "", "", "", "a shot of", "footage of", "a video of", "a clip of", "stock footage of")
# Words that prompts are full of and that no element needs.
FILLERS = ("cinematic", "beautiful", "high quality", "4k", "realistic", "dramatic")
PREPOSITIONS = ("in", "on", "with", "from", "under", "out", "below")
MIRRORED = {"left": "right", "right": "left", "pan left": "pan right", "pan right": "pan left"}
# One combination in so many is kept out of training, to measure with.
HELD_OUT = 12
NATURAL_SHARE, SAID_ANYWAY = 0.45, 0.35


def _combined(name):
    return [a for a in ("colour", "time", "shape", "kind", "direction") if a in ELEMENTS[name].attributes]


def has_held_out(name):
    """Whether any combination of an element is never trained: those with few may all be."""
    attributes = _combined(name)
    values = itertools.product(*(ELEMENTS[name].attributes[a] for a in attributes))
    return any(held_out(name, dict(zip(attributes, those))) for those in values)


def held_out(name, ask):
    """Whether this combination of element and first attributes is never trained."""
    key = "|".join([name, *(ask[a] for a in _combined(name))])
    return zlib.crc32(key.encode()) % HELD_OUT == 0


def _clashes(ask):
    """Whether a thing could not be told from what it is on."""
    pair = {ask.get("colour"), ask.get("background")}
    return len(pair) == 1 and None not in pair or pair in ({"white", "grey"}, {"red", "pink"}, {"brown", "black"},
                                                          {"gold", "yellow"}, {"gold", "orange"}, {"gold", "white"})


def _value(rng, element, attribute, share):
    natural = element.natural.get(attribute, element.attributes[attribute])
    values = natural if rng.random() < share else element.attributes[attribute]
    return str(rng.choice(values))


def drawn_ask(rng, name, held=False, natural=NATURAL_SHARE):
    """An ask for an element, from those that are trained, or from those that are not; `natural` is the share of attributes
    that are as one would have them unasked."""
    element = ELEMENTS[name]
    while True:
        ask = {a: _value(rng, element, a, natural) for a in element.attributes}
        ask["camera"] = str(rng.choice(CAMERAS[1:])) if rng.random() < 0.15 and not held else "still"
        ask["look"] = str(rng.choice(LOOKS[1:])) if rng.random() < 0.15 and not held else "normal"
        if not _clashes(ask) and held_out(name, ask) == held:
            return ask


def mirrored(name, ask):
    """The ask of the clip seen in a mirror; none where that is one never trained."""
    ask = {a: MIRRORED.get(v, v) if a in ("direction", "camera") else v for a, v in ask.items()}
    return None if held_out(name, ask) else ask


def said(rng, name, ask):
    """Which attributes a caption speaks of."""
    element = ELEMENTS[name]
    natural = element.natural | {"camera": ("still",), "look": ("normal",)}

    def speaks(attribute, value):
        if value in natural.get(attribute, ()):
            shy = 0.08 if attribute in ("camera", "look") else SAID_ANYWAY
            return rng.random() < shy
        return True

    return {a: v for a, v in ask.items() if speaks(a, v)}


def _pick(rng, words):
    return str(words[rng.integers(len(words))])


def _on(rng, colour):
    colour = _pick(rng, COLOUR_WORDS[colour])
    return _pick(rng, (f"on {colour}", f"on a {colour} background", f"against a {colour} backdrop", f"over {colour}",
                       f"{colour} background", f"against {colour}"))


def _named(rng, element, told):
    """The element's name, with its adjectives where they belong: a plume of thick red smoke, thick red ink in water."""
    words = _pick(rng, element.nouns).split()
    end = next((i for i, word in enumerate(words) if word in PREPOSITIONS), len(words))
    head, rest = words[:end], words[end:]
    if kind := told.get("kind") or told.get("shape"):
        head[-1] = kind
    adjectives = [_pick(rng, table[told[a]]) for a, table in
                  (("size", SIZE_WORDS), ("density", DENSITY_WORDS)) if a in told]
    if "colour" in told:
        adjectives.append(_pick(rng, COLOUR_WORDS[told["colour"]]))
    if "accent" in told:
        adjectives += ["and", _pick(rng, COLOUR_WORDS[told["accent"]])]
    start = max((i + 1 for i, word in enumerate(head[:-1]) if word in ("a", "an", "the", "of")), default=0)
    return " ".join([*head[:start], *adjectives, *head[start:], *rest])


SILENT_E = ("blaz", "com", "danc", "glid", "mov", "puls", "ris", "rippl", "slid", "tumbl", "wav")


def present(verb):
    """A participle as the third person says it: drifting, drifts."""
    first, *rest = verb.split()
    stem = first.removesuffix("ing")
    if stem in SILENT_E:
        stem += "e"
    elif stem[-1] == stem[-2] and stem not in ("roll", "fall", "pass", "scroll"):
        stem = stem[:-1]
    ending = "es" if stem.endswith(("sh", "ss", "go")) else "s"
    return " ".join(["flies" if stem == "fly" else stem + ending, *rest])


def _moving(rng, element, told):
    verb = told.get("action") or _pick(rng, element.verbs)
    if "action" not in told and rng.random() < 0.3:
        verb = present(verb)
    where = [_pick(rng, DIRECTION_WORDS[told["direction"]])] if "direction" in told else []
    how = [_pick(rng, SPEED_WORDS[told["speed"]])] if "speed" in told else []
    if not where and not how and rng.random() < 0.5:
        return ""
    parts = [verb, *where, *how] if rng.random() < 0.6 else [*how, verb, *where]
    return " ".join(parts)


def _extras(rng, told):
    extras = []
    if "background" in told:
        extras.append(_on(rng, told["background"]))
    for attribute, table in (("time", TIME_WORDS), ("camera", CAMERA_WORDS), ("look", LOOK_WORDS)):
        if attribute in told:
            extras.append(_pick(rng, table[told[attribute]]))
    if rng.random() < 0.05:
        extras.append(_pick(rng, AFTER_WORDS))
    if rng.random() < 0.12:
        extras.append(_pick(rng, FILLERS))
    rng.shuffle(extras)
    return [e for e in extras if e]


def _sentence(rng, element, told):
    head = " ".join(p for p in (_pick(rng, OPENINGS), _named(rng, element, told), _moving(rng, element, told)) if p)
    extras = _extras(rng, told)
    if extras and rng.random() < 0.2:
        return ", ".join([extras[0], head, *extras[1:]])
    # The first thing said of it may run on without a comma.
    if extras and rng.random() < 0.5:
        return ", ".join([f"{head} {extras[0]}", *extras[1:]])
    return ", ".join([head, *extras])


def _keywords(rng, element, told):
    words = [_pick(rng, element.nouns)]
    tables = {"colour": COLOUR_WORDS, "accent": COLOUR_WORDS, "direction": DIRECTION_WORDS, "speed": SPEED_WORDS,
              "density": DENSITY_WORDS, "size": SIZE_WORDS}
    words += [_pick(rng, tables[a][v]) if a in tables else v for a, v in told.items()
              if a in tables or a in ("kind", "shape", "action")]
    words += _extras(rng, told)
    rng.shuffle(words)
    return ", ".join(words)


def caption(rng, name, ask, told=None):
    """One way to ask for a clip."""
    element = ELEMENTS[name]
    told = said(rng, name, ask) if told is None else told
    text = (_keywords if rng.random() < 0.15 else _sentence)(rng, element, told)
    text = re.sub(r"\ba (?=[aeiou])", "an ", re.sub(r"\ban (?=[^aeiou])", "a ", text))
    return text[0].upper() + text[1:] if rng.random() < 0.4 else text


def vocabulary():
    """Every word that captions are made of, in order of the alphabet."""
    tables = (COLOUR_WORDS, DIRECTION_WORDS, SPEED_WORDS, DENSITY_WORDS, SIZE_WORDS, TIME_WORDS, CAMERA_WORDS, LOOK_WORDS)
    texts = [text for table in tables for words in table.values() for text in words]
    texts += [*AFTER_WORDS, *OPENINGS, *FILLERS, "on over against a an background backdrop and"]
    for element in ELEMENTS.values():
        texts += [*element.nouns, *element.verbs, *map(present, element.verbs)]
        texts += [v for a in ("kind", "shape", "action") for v in element.attributes.get(a, ())]
    return sorted({word for text in texts for word in re.findall(r"[a-z0-9]+", text.lower())})


def forms():
    """Words that captions have, with other forms of them that are read as those."""
    known = set(vocabulary())
    others = [form for forms in FORMS.values() for form in forms.split()]
    strays = [*(FORMS.keys() - known), *(known & set(others)), *(form for form in others if others.count(form) > 1)]
    if strays:
        raise ValueError(f"{', '.join(strays)}: a form must be new, once, and of a word that captions have")
    return FORMS


def numbered(seed, index):
    """The generator of clip `index`."""
    return np.random.default_rng([seed, index])
