"""Still pictures of structures: the C-alpha trace as a small SVG, coloured by activation, without a WebGL context.

A browser holds few live viewers, so lists and cards show these. Grey is silent and violet opaque, so that one picture
suits light and dark pages; what lies behind is paler. Read `structure_svg`.
"""

import numpy as np
from jaxtyping import Float

from explorer import theme
from explorer.components.ribbon import CHAIN_BREAK, alpha_trace, widest_face
from protsae import palette


def structure_svg(
    pdb: str,
    positions: np.ndarray,
    values: Float[np.ndarray, " n_residues"],
    scale: float,
    *,
    width: int = 220,
    height: int = 150,
) -> str:
    """The trace from its widest side, turned so that what fires faces the reader.

    Args:
        pdb: residues of chain A in order.
        positions: place in the sequence of each, 1-based; 0 = none.
        values: activation per residue of the sequence.
        scale: activation of full colour.
        width: pixels.
        height: pixels.

    Returns:
        SVG text; without lines where the text has fewer than two C-alphas.
    """
    trace = alpha_trace(pdb)
    positions = np.asarray(positions)[: len(trace)]
    strength = np.zeros(len(trace))
    placed = positions > 0
    strength[: len(positions)][placed] = np.clip(np.nan_to_num(values[positions[placed] - 1]) / (scale or 1), 0, 1)
    lines = _segments(trace, strength, width, height) if len(trace) > 1 else []
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" stroke-linecap="round" fill="none">{"".join(lines)}</svg>'
    )


def _segments(trace: np.ndarray, strength: np.ndarray, width: int, height: int) -> list[str]:
    centre, rotation = widest_face(trace)
    turned = (trace - centre) @ rotation.T
    if strength @ turned[:, 2] < 0:
        turned *= [-1, 1, -1]
    span = np.maximum(np.ptp(turned[:, :2], axis=0), 1.0)
    zoom = min((width - 12) / span[0], (height - 12) / span[1])
    middle = (turned[:, :2].max(axis=0) + turned[:, :2].min(axis=0)) / 2
    flat = (turned[:, :2] - middle) * [zoom, -zoom] + [width / 2, height / 2]
    depth = (turned[:, 2] - turned[:, 2].min()) / max(float(np.ptp(turned[:, 2])), 1.0)
    thick = float(np.clip(zoom * 1.5, 1.6, 5.0))
    bonded = np.linalg.norm(np.diff(trace, axis=0), axis=1) <= CHAIN_BREAK
    halfway = (flat[:-1] + flat[1:]) / 2
    drawn = []
    for i, (x, y) in enumerate(flat.tolist()):
        start = halfway[i - 1] if i > 0 and bonded[i - 1] else flat[i]
        end = halfway[i] if i < len(bonded) and bonded[i] else flat[i]
        near = float(depth[i])
        colour = theme.mix(palette.STILL_CHAIN["silent"], palette.STILL_CHAIN["full"], float(strength[i]))
        curve = f"M{start[0]:.1f} {start[1]:.1f}Q{x:.1f} {y:.1f} {end[0]:.1f} {end[1]:.1f}"
        pen = f'stroke-width="{thick * (0.7 + 0.5 * near):.1f}" stroke-opacity="{0.4 + 0.6 * near:.2f}"'
        drawn.append((near, f'<path d="{curve}" stroke="{colour}" {pen}/>'))
    return [line for _, line in sorted(drawn)]
