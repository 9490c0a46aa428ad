from django.db import migrations

TABLES = "classification_code, classification_codesynonym, classification_coderelation, classification_codeword"


class Migration(migrations.Migration):
    dependencies = [("classification", "0005_regional_decisions")]

    operations = [
        # So that searches right after an import are planned by what the tables hold: ANALYZE is the owner's or MAINTAIN's.
        migrations.RunSQL(
            f"""
            DO $$ BEGIN
                IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sdv') THEN
                    GRANT MAINTAIN ON {TABLES} TO sdv;
                END IF;
            END $$
            """,
            f"""
            DO $$ BEGIN
                IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sdv') THEN
                    REVOKE MAINTAIN ON {TABLES} FROM sdv;
                END IF;
            END $$
            """,
        ),
    ]
