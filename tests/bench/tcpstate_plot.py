# SPDX-License-Identifier: GPL-2.0
"""Bars and curves with their intervals, drawn by gnuplot."""
import subprocess

SCRIPT = """
set terminal svg size 1000,{height} font "DejaVu Sans,11" background "white"
set output "{path}"
set multiplot layout {rows},2 title "Cost of each tracer: the machine's time \
per connection, relative to untraced (paced: connections/s)"
set style fill solid 0.6 border -1
set boxwidth 0.6
set grid ytics
set xtics rotate by -35 font ",9"
set bmargin 5
unset key
{plots}
unset multiplot
"""

PLOT = """
set title "{title}" font ",11"
set yrange [0:{high}]
$data << END
{data}
END
plot $data using 0:2:3:4:(0.6):xtic(1) with boxerrorbars lc rgb "#4477aa", \\
     1 lc rgb "#cc3311"
"""

CURVES = """
set terminal svg size {width},420 font "DejaVu Sans,11" background "white"
set output "{path}"
set multiplot layout 1,{columns} title "{title}"
set grid ytics
set bmargin 5
unset key
{plots}
unset multiplot
"""

CURVE = """
set xlabel "{label}"
set logscale x {base}
set format x "{format}"
set xrange [{low}:{far}]
set yrange [0:{high}]
$data{n} << END
{data}
END
plot $data{n} using 1:2:3:4 with yerrorbars lc rgb "#4477aa" pt 7 ps 0.6, \\
     $data{n} using 1:2 with lines lc rgb "#4477aa" lw 2
"""


def plot_of(load, rows):
    data = "\n".join(f'"{r["subject"]}" {r["ratio"]:.4f} {r["low"]:.4f} '
                     f'{r["high"]:.4f}' for r in rows)
    high = max(r["high"] for r in rows)
    return PLOT.format(title=load, data=data, high=1.05 * max(1.1, high))


def bars(rows, path):
    loads = list(dict.fromkeys(r["load"] for r in rows))
    plots = "".join(plot_of(load, [r for r in rows if r["load"] == load])
                    for load in loads)
    lines = (len(loads) + 1) // 2
    subprocess.run(["gnuplot"], check=True, text=True,
                   input=SCRIPT.format(path=path, height=330 * lines,
                                       rows=lines, plots=plots))


def curve_of(n, curve):
    label, base, points = curve
    data = "\n".join(" ".join(f"{value:g}" for value in p) for p in points)
    return CURVE.format(n=n, label=label, base=base, data=data,
                        format="%.0s%c" if base == 10 else "%g",
                        low=points[0][0] / 1.3, far=points[-1][0] * 1.3,
                        high=1.1 * max(p[3] for p in points))


def curves(title, of, path):
    """@of: (name of x, base of its scale, [(x, y, low, high)]) of each."""
    plots = "".join(curve_of(n, curve) for n, curve in enumerate(of))
    subprocess.run(["gnuplot"], check=True, text=True,
                   input=CURVES.format(path=path, title=title, plots=plots,
                                       width=500 * len(of), columns=len(of)))
