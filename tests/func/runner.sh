#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# runner.sh TEST... - run test programs one after the other, each within the
# time that the file "settings" gives it, report in KTAP, and exit with 1 if one
# failed, 4 if all were skipped

cd "$(dirname "$0")" || exit 1
limit=$(sed -n 's/^timeout=//p' settings)
limit=$((${limit:-900} * ${TCPSTATE_PATIENCE:-1}))
pass=0 fail=0 skip=0 number=0

# Programs that were built are in $OUTPUT, scripts are here.
path_of()
{
	if [ -x "./$1" ]; then
		echo "./$1"
	else
		echo "${OUTPUT:-.}/$1"
	fi
}

# Its output, indented as KTAP wants a nested test; its exit status.
run_one()
{
	{
		{
			timeout -k 10 "$limit" "$1" 2>&1
			echo $? >&3
		} | sed -u 's/^/  /' >&4
	} 3>&1
}

report()
{
	case $2 in
	0)	pass=$((pass + 1))
		echo "ok $number $1" ;;
	4)	skip=$((skip + 1))
		echo "ok $number $1 # SKIP" ;;
	124)	fail=$((fail + 1))
		echo "not ok $number $1 # TIMEOUT $limit seconds" ;;
	*)	fail=$((fail + 1))
		echo "not ok $number $1 # exit=$2" ;;
	esac
}

exec 4>&1
echo 'KTAP version 1'
echo "1..$#"
for test; do
	number=$((number + 1))
	report "$test" "$(run_one "$(path_of "$test")")"
done
echo "# Totals: pass:$pass fail:$fail xfail:0 xpass:0 skip:$skip error:0"
[ "$fail" -eq 0 ] || exit 1
[ "$pass" -gt 0 ] || exit 4
