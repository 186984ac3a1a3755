"""Logs in once by a driver and prints what came of it: clients.py DRIVER PORT USER CA_FILE; PASSWORD is a variable."""

import os
import sys

REFUSED = 1045

driver, port, user, ca_file = sys.argv[1:]
account = {"host": "localhost", "port": int(port), "user": user, "password": os.environ["PASSWORD"]}

if driver == "pymysql":
    import pymysql

    def log_in():
        return pymysql.connect(**account, ssl_ca=ca_file, ssl_verify_cert=True, ssl_verify_identity=True)

    failures = pymysql.err.OperationalError

else:
    import mysql.connector

    def log_in():
        return mysql.connector.connect(
            **account, ssl_ca=ca_file, ssl_verify_cert=True, ssl_verify_identity=True, use_pure=driver == "connector"
        )

    failures = mysql.connector.Error

try:
    session = log_in()
except failures as failure:
    if failure.args[0] != REFUSED:
        raise
    print("refused")
else:
    cursor = session.cursor()
    cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
    print("in" if cursor.fetchone()[1] else "in without TLS")
    session.close()
