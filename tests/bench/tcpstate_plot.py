# SPDX-License-Identifier: GPL-2.0
"""Bars with their intervals, drawn by gnuplot."""
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
