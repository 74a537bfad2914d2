"""Units of measure (https://ucum.org/ucum): unit expressions read and brought to base units, exactly.

Base units are those of UCUM (m, s, g, rad, K, C, cd) and, other than there, mol, so that an amount
of substance is never compared with a plain count. Arbitrary units (`[IU]`) and logarithmic ones (`[pH]`) are base
units of their own: equal only to themselves.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

_PREFIXES: dict[str, Fraction] = {
    symbol: Fraction(10) ** exponent
    for symbol, exponent in (
        ("Y", 24), ("Z", 21), ("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("h", 2),
        ("da", 1), ("d", -1), ("c", -2), ("m", -3), ("u", -6), ("n", -9), ("p", -12), ("f", -15), ("a", -18),
        ("z", -21), ("y", -24),
    )
} | {symbol: Fraction(1024) ** power for power, symbol in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)}  # fmt: skip

_METRIC_BASE = ("m", "s", "g", "rad", "K", "C", "cd", "mol")

# Atoms by the value of one of them: a number and the unit it counts.
_METRIC: dict[str, tuple[str, str]] = {
    "sr": ("1", "rad2"), "Hz": ("1", "s-1"), "N": ("1", "kg.m/s2"), "Pa": ("1", "N/m2"),
    "J": ("1", "N.m"), "W": ("1", "J/s"), "A": ("1", "C/s"), "V": ("1", "J/C"), "F": ("1", "C/V"),
    "Ohm": ("1", "V/A"), "S": ("1", "Ohm-1"), "Wb": ("1", "V.s"), "T": ("1", "Wb/m2"), "H": ("1", "Wb/A"),
    "lm": ("1", "cd.sr"), "lx": ("1", "lm/m2"), "Bq": ("1", "s-1"), "Gy": ("1", "J/kg"),
    "Sv": ("1", "J/kg"), "l": ("1", "dm3"), "L": ("1", "dm3"), "ar": ("100", "m2"), "t": ("1000", "kg"),
    "bar": ("100000", "Pa"), "u": ("1.6605402e-24", "g"), "eV": ("1.60217733e-19", "J"),
    "pc": ("3.085678e16", "m"), "[c]": ("299792458", "m/s"), "[h]": ("6.6260755e-34", "J.s"),
    "[k]": ("1.380658e-23", "J/K"), "[eps_0]": ("8.854187817e-12", "F/m"), "[e]": ("1.60217733e-19", "C"),
    "[m_e]": ("9.1093897e-28", "g"), "[m_p]": ("1.6726231e-24", "g"),
    "[G]": ("6.67259e-11", "m3.kg-1.s-2"), "[g]": ("9.80665", "m/s2"), "[ly]": ("9460730472580800", "m"),
    "gf": ("9.80665", "g.m/s2"), "Ky": ("1", "cm-1"), "Gal": ("1", "cm/s2"), "dyn": ("1", "g.cm/s2"),
    "erg": ("1", "dyn.cm"), "P": ("1", "dyn.s/cm2"), "Bi": ("10", "A"), "St": ("1", "cm2/s"),
    "Mx": ("1e-8", "Wb"), "G": ("0.0001", "T"), "Lmb": ("10000/3.14159265358979323846", "cd/m2"),
    "sb": ("1", "cd/cm2"), "ph": ("0.0001", "lx"), "Ci": ("37000000000", "Bq"), "R": ("0.000258", "C/kg"),
    "RAD": ("100", "erg/g"), "REM": ("1", "RAD"), "cal": ("4.184", "J"), "cal_[15]": ("4.18580", "J"),
    "cal_[20]": ("4.18190", "J"), "cal_m": ("4.19002", "J"), "cal_IT": ("4.1868", "J"),
    "cal_th": ("4.184", "J"), "m[H2O]": ("9806.65", "Pa"), "m[Hg]": ("133322", "Pa"),
    "kat": ("1", "mol/s"), "U": ("1", "umol/min"), "eq": ("1", "mol"), "osm": ("1", "mol"),
    "g%": ("1", "g/dl"), "st": ("1", "m3"), "mho": ("1", "S"), "bit": ("1", "1"), "By": ("8", "1"),
    "Bd": ("1", "s-1"), "tex": ("1", "g/km"), "[m_u]": ("1.6605402e-24", "g"),
    "B[10.nV]": ("1", "[B_10_nV]"),
}  # fmt: skip
_PLAIN: dict[str, tuple[str, str]] = {
    "[HPF]": ("1", "1"), "[LPF]": ("1", "1"), "[mu_0]": ("4", "[pi].10*-7.N/A2"), "[rch_us]": ("100", "[ft_us]"),
    "[rlk_us]": ("1", "[ft_us]"), "[pnt_pr]": ("0.013837", "[in_i]"), "[pca_pr]": ("12", "[pnt_pr]"),
    "Oe": ("250", "/[pi].A/m"), "Gb": ("1", "Oe.cm"),
    "10*": ("10", "1"), "10^": ("10", "1"),
    "[pi]": ("3.1415926535897932384626433832795028841971693993751", "1"), "%": ("0.01", "1"),
    "[ppth]": ("0.001", "1"), "[ppm]": ("1e-6", "1"), "[ppb]": ("1e-9", "1"), "[pptr]": ("1e-12", "1"),
    "gon": ("0.9", "deg"), "deg": ("2/360", "[pi].rad"), "'": ("1/60", "deg"), "''": ("1/60", "'"),
    "min": ("60", "s"), "h": ("60", "min"), "d": ("24", "h"), "wk": ("7", "d"), "a_t": ("365.24219", "d"),
    "a_j": ("365.25", "d"), "a_g": ("365.2425", "d"), "a": ("365.25", "d"), "mo_s": ("29.53059", "d"),
    "mo_j": ("1/12", "a_j"), "mo_g": ("1/12", "a_g"), "mo": ("1/12", "a"), "AU": ("149597.870691", "Mm"),
    "atm": ("101325", "Pa"), "[lbf_av]": ("1", "[lb_av].[g]"), "[in_i]": ("2.54", "cm"),
    "[ft_i]": ("12", "[in_i]"), "[yd_i]": ("3", "[ft_i]"), "[mi_i]": ("5280", "[ft_i]"),
    "[fth_i]": ("6", "[ft_i]"), "[nmi_i]": ("1852", "m"), "[kn_i]": ("1", "[nmi_i]/h"),
    "[sin_i]": ("1", "[in_i]2"), "[sft_i]": ("1", "[ft_i]2"), "[syd_i]": ("1", "[yd_i]2"),
    "[cin_i]": ("1", "[in_i]3"), "[cft_i]": ("1", "[ft_i]3"), "[cyd_i]": ("1", "[yd_i]3"),
    "[bf_i]": ("144", "[in_i]3"), "[cr_i]": ("128", "[ft_i]3"), "[mil_i]": ("0.001", "[in_i]"),
    "[cml_i]": ("1/4", "[pi].[mil_i]2"), "[hd_i]": ("4", "[in_i]"), "[ft_us]": ("1200/3937", "m"),
    "[yd_us]": ("3", "[ft_us]"), "[in_us]": ("1/12", "[ft_us]"), "[rd_us]": ("16.5", "[ft_us]"),
    "[ch_us]": ("4", "[rd_us]"), "[lk_us]": ("1/100", "[ch_us]"), "[fth_us]": ("6", "[ft_us]"),
    "[fur_us]": ("40", "[rd_us]"), "[mi_us]": ("8", "[fur_us]"), "[acr_us]": ("160", "[rd_us]2"),
    "[srd_us]": ("1", "[rd_us]2"), "[smi_us]": ("1", "[mi_us]2"), "[sct]": ("1", "[mi_us]2"),
    "[twp]": ("36", "[sct]"), "[mil_us]": ("0.001", "[in_us]"), "[in_br]": ("2.539998", "cm"),
    "[ft_br]": ("12", "[in_br]"), "[yd_br]": ("3", "[ft_br]"), "[mi_br]": ("5280", "[ft_br]"),
    "[nmi_br]": ("6080", "[ft_br]"), "[kn_br]": ("1", "[nmi_br]/h"), "[acr_br]": ("4840", "[yd_br]2"),
    "[rd_br]": ("16.5", "[ft_br]"), "[ch_br]": ("4", "[rd_br]"), "[lk_br]": ("1/100", "[ch_br]"),
    "[fth_br]": ("6", "[ft_br]"), "[pc_br]": ("2.5", "[ft_br]"), "[gal_us]": ("231", "[in_i]3"),
    "[bbl_us]": ("42", "[gal_us]"), "[qt_us]": ("1/4", "[gal_us]"), "[pt_us]": ("1/2", "[qt_us]"),
    "[gil_us]": ("1/4", "[pt_us]"), "[foz_us]": ("1/4", "[gil_us]"), "[fdr_us]": ("1/8", "[foz_us]"),
    "[min_us]": ("1/60", "[fdr_us]"), "[crd_us]": ("128", "[ft_i]3"), "[bu_us]": ("2150.42", "[in_i]3"),
    "[gal_wi]": ("1/8", "[bu_us]"), "[pk_us]": ("1/4", "[bu_us]"), "[dqt_us]": ("1/8", "[pk_us]"),
    "[dpt_us]": ("1/2", "[dqt_us]"), "[tbs_us]": ("1/2", "[foz_us]"), "[tsp_us]": ("1/3", "[tbs_us]"),
    "[cup_us]": ("16", "[tbs_us]"), "[foz_m]": ("30", "ml"), "[cup_m]": ("240", "ml"),
    "[tsp_m]": ("5", "ml"), "[tbs_m]": ("15", "ml"), "[gal_br]": ("4.54609", "l"),
    "[pk_br]": ("2", "[gal_br]"), "[bu_br]": ("4", "[pk_br]"), "[qt_br]": ("1/4", "[gal_br]"),
    "[pt_br]": ("1/2", "[qt_br]"), "[gil_br]": ("1/4", "[pt_br]"), "[foz_br]": ("1/5", "[gil_br]"),
    "[fdr_br]": ("1/8", "[foz_br]"), "[min_br]": ("1/60", "[fdr_br]"), "[gr]": ("64.79891", "mg"),
    "[lb_av]": ("7000", "[gr]"), "[oz_av]": ("1/16", "[lb_av]"), "[dr_av]": ("1/16", "[oz_av]"),
    "[scwt_av]": ("100", "[lb_av]"), "[lcwt_av]": ("112", "[lb_av]"), "[ston_av]": ("20", "[scwt_av]"),
    "[lton_av]": ("20", "[lcwt_av]"), "[stone_av]": ("14", "[lb_av]"), "[pwt_tr]": ("24", "[gr]"),
    "[oz_tr]": ("20", "[pwt_tr]"), "[lb_tr]": ("12", "[oz_tr]"), "[sc_ap]": ("20", "[gr]"),
    "[dr_ap]": ("3", "[sc_ap]"), "[oz_ap]": ("8", "[dr_ap]"), "[lb_ap]": ("12", "[oz_ap]"),
    "[oz_m]": ("28", "g"), "[lne]": ("1/12", "[in_i]"), "[pnt]": ("1/6", "[lne]"),
    "[pca]": ("12", "[pnt]"), "[pied]": ("32.48", "cm"), "[pouce]": ("1/12", "[pied]"),
    "[ligne]": ("1/12", "[pouce]"), "[didot]": ("1/6", "[ligne]"), "[cicero]": ("12", "[didot]"),
    "[degR]": ("5/9", "K"), "[Cal]": ("1", "kcal_th"), "[Btu_39]": ("1.05967", "kJ"),
    "[Btu_59]": ("1.05480", "kJ"), "[Btu_60]": ("1.05468", "kJ"), "[Btu_m]": ("1.05587", "kJ"),
    "[Btu_IT]": ("1.05505585262", "kJ"), "[Btu_th]": ("1.054350", "kJ"), "[Btu]": ("1", "[Btu_th]"),
    "[HP]": ("550", "[ft_i].[lbf_av]/s"), "[in_i'H2O]": ("1", "m[H2O].[in_i]/m"),
    "[in_i'Hg]": ("1", "m[Hg].[in_i]/m"), "[car_m]": ("0.2", "g"), "[car_Au]": ("1/24", "1"),
    "[smoot]": ("67", "[in_i]"), "[diop]": ("1", "m-1"), "[mesh_i]": ("1", "[in_i]-1"),
    "[Ch]": ("1/3", "mm"), "[drp]": ("1/20", "ml"), "[hnsf'U]": ("1", "1"), "[PRU]": ("1", "mm[Hg].s/ml"),
    "[wood'U]": ("1", "mm[Hg].min/L"), "[FEU]": ("1", "[FEU]"), "[den]": ("1/9", "g/km"),
    "[psi]": ("1", "[lbf_av]/[in_i]2"), "circ": ("2", "[pi].rad"), "sph": ("4", "[pi].sr"),
    "Ao": ("0.1", "nm"), "b": ("100", "fm2"), "att": ("1", "kgf/cm2"), "[S]": ("1e-13", "s"),
    "[MET]": ("3.5", "mL/min/kg"),
}  # fmt: skip

_CELSIUS = {"Cel": (Fraction(1), Fraction("273.15")), "[degF]": (Fraction(5, 9), Fraction("459.67") * 5 / 9),
            "[degRe]": (Fraction(5, 4), Fraction("273.15"))}  # fmt: skip

_ARBITRARY = frozenset({
    "[IU]", "[iU]", "[arb'U]", "[USP'U]", "[GPL'U]", "[MPL'U]", "[APL'U]", "[beth'U]", "[anti'Xa'U]",
    "[todd'U]", "[dye'U]", "[smgy'U]", "[bdsk'U]", "[ka'U]", "[knk'U]", "[mclg'U]", "[tb'U]", "[CCID_50]",
    "[TCID_50]", "[EID_50]", "[PFU]", "[FFU]", "[CFU]", "[IR]", "[BAU]", "[AU]", "[Amb'a'1'U]", "[PNU]",
    "[Lf]", "[D'ag'U]", "[FEU]", "[ELU]", "[EU]", "[pH]", "[p'diop]", "[hp_X]", "[hp_C]", "[hp_M]",
    "[hp_Q]", "[kp_X]", "[kp_C]", "[kp_M]", "[kp_Q]", "[m/s2/Hz^0.5]", "[RFU]", "[B_10_nV]", "Np", "B",
    "B[SPL]", "B[V]", "B[mV]", "B[uV]", "B[W]", "B[kW]", "bit_s",
})  # fmt: skip
_METRIC_ARBITRARY = frozenset({"[IU]", "[iU]", "B", "Np"})


@dataclass(frozen=True, slots=True)
class Unit:
    """What one of a unit is: `factor` of `base`, and for temperatures `offset` more.

    `base` is written in UCUM, its parts sorted, `1` where there is none.
    """

    base: str
    factor: Fraction
    offset: Fraction = Fraction(0)

    def to_base(self, number: int | Decimal | Fraction) -> Fraction:
        """That many of the unit, counted in base units."""
        return Fraction(number) * self.factor + self.offset

    def to_float(self, number: int | Decimal | Fraction) -> float:
        """The same as the nearest float, which is the same for equal amounts in whatever unit."""
        over, under = number.as_integer_ratio()
        factor, offset = self.factor, self.offset
        over, under = over * factor.numerator, under * factor.denominator
        if offset:
            over, under = over * offset.denominator + offset.numerator * under, under * offset.denominator
        try:
            return over / under
        except OverflowError:
            return math.inf if over > 0 else -math.inf


@functools.lru_cache(4096)
def unit(expression: str) -> Unit | None:
    """The unit of a UCUM expression such as `mg/dL`; None if it is not understood."""
    if not expression or len(expression) > 200 or not expression.isascii():
        return None
    special = _CELSIUS.get(expression)
    if special is not None:
        return Unit("K", *special)
    try:
        product = _Reader(expression).whole()
    except (ValueError, RecursionError, ZeroDivisionError, OverflowError):
        return None
    return Unit(product.text(), product.factor)


class _Product:
    """A number and base units with their exponents."""

    __slots__ = ("factor", "powers")

    def __init__(self, factor: Fraction = Fraction(1), powers: dict[str, int] | None = None) -> None:
        self.factor = factor
        self.powers = powers or {}

    def times(self, other: _Product, sign: int = 1) -> _Product:
        powers = dict(self.powers)
        for base, power in other.powers.items():
            powers[base] = powers.get(base, 0) + sign * power
        return _Product(self.factor * other.factor**sign, {b: p for b, p in powers.items() if p})

    def power(self, exponent: int) -> _Product:
        if abs(exponent) > 99:
            raise ValueError("exponent out of bounds")
        return _Product(self.factor**exponent, {b: p * exponent for b, p in self.powers.items() if exponent})

    def text(self) -> str:
        parts = [base if power == 1 else f"{base}{power}" for base, power in sorted(self.powers.items())]
        return ".".join(parts) or "1"


_symbol = re.compile(r"10[*^]|(?:[^\s\d.()/{}\[\]+\-]|\[[^\[\]\s]*\])+(?:\[[^\[\]\s]*\])*")
_exponent = re.compile(r"[+-]?[0-9]+")
_integer = re.compile(r"[0-9]+(?![0-9]*[*^])")
_annotation = re.compile(r"\{[^{}]*\}")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def whole(self) -> _Product:
        found = self.term()
        if self.at != len(self.text):
            raise ValueError("unread rest")
        return found

    def term(self) -> _Product:
        if self._take("/"):
            found = _Product().times(self.component(), -1)
        else:
            found = self.component()
        while True:
            if self._take("."):
                found = found.times(self.component())
            elif self._take("/"):
                found = found.times(self.component(), -1)
            else:
                return found

    def component(self) -> _Product:
        if self._take("("):
            found = self.term()
            if not self._take(")"):
                raise ValueError("parenthesis not closed")
            self._match(_annotation)
            return found
        if self._match(_annotation) is not None:
            return _Product()
        number = self._match(_integer)
        if number is not None:
            self._match(_annotation)
            return _Product(Fraction(int(number)))
        symbol = self._match(_symbol)
        if symbol is None:
            raise ValueError("no unit")
        found = _simple(symbol)
        exponent = self._match(_exponent)
        if exponent is not None:
            found = found.power(int(exponent))
        self._match(_annotation)
        return found

    def _take(self, letter: str) -> bool:
        if self.text.startswith(letter, self.at):
            self.at += 1
            return True
        return False

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.group()


@functools.lru_cache(2048)
def _simple(symbol: str) -> _Product:
    """A unit symbol with or without a prefix."""
    found = _atom(symbol, prefixed=False)
    if found is not None:
        return found
    for length in (2, 1):
        factor = _PREFIXES.get(symbol[:length])
        if factor is not None and len(symbol) > length:
            found = _atom(symbol[length:], prefixed=True)
            if found is not None:
                return _Product(factor).times(found)
    raise ValueError("unknown unit")


def _atom(symbol: str, prefixed: bool) -> _Product | None:
    if symbol in _METRIC_BASE:
        return _Product(powers={symbol: 1})
    defined = _METRIC.get(symbol) or (None if prefixed else _PLAIN.get(symbol))
    if defined is not None and defined[1] != symbol:
        number, of = defined
        over, _, under = number.partition("/")
        return _Product(Fraction(over) / Fraction(under or 1)).times(_Reader(of).whole())
    if symbol in _ARBITRARY and (not prefixed or symbol in _METRIC_ARBITRARY):
        return _Product(powers={"[IU]" if symbol == "[iU]" else symbol: 1})
    if not prefixed and symbol in _CELSIUS:
        # A difference of temperatures, as in `J/Cel`.
        return _Product(_CELSIUS[symbol][0], {"K": 1})
    return None
